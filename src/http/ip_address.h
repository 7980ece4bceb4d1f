// The addresses of clients and of proxies.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sojourn::http {

// An IPv4 or IPv6 address; without a value, "::". An IPv4 address that is written as an IPv6 one
// (::ffff:192.0.2.1, as a socket for both families has it) is the IPv4 address.
class IpAddress {
 public:
  constexpr IpAddress() = default;
  static constexpr IpAddress of(const std::array<uint8_t, 16>& v6) { return IpAddress(v6); }
  static constexpr IpAddress of(const std::array<uint8_t, 4>& v4) {
    return IpAddress({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, v4[0], v4[1], v4[2], v4[3]});
  }
  // "192.0.2.1", "2001:db8::1"; no port, no brackets, no zone.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const;
  // 4 or 16, most significant first. Points into this address.
  std::string_view bytes() const;
  // Under what limits count it: all of an IPv4 address, the first 64 bits of an IPv6 address (who
  // has one address there mostly has them all: RFC 6177). Never empty. Points into this address.
  std::string_view limit_key() const { return bytes().substr(0, 8); }
  std::string text() const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

 private:
  explicit constexpr IpAddress(const std::array<uint8_t, 16>& bytes) : bytes_(bytes) {}

  std::array<uint8_t, 16> bytes_{};  // IPv4 as ::ffff:a.b.c.d
};

// The addresses that begin with the same bits.
class IpNetwork {
 public:
  // "10.0.0.0/8", "2001:db8::/32", or an address, which stands for itself alone. The bits that the
  // length leaves open must be 0.
  static std::optional<IpNetwork> parse(std::string_view text);

  bool contains(const IpAddress& address) const;
  std::string text() const;

  friend bool operator==(const IpNetwork&, const IpNetwork&) = default;

 private:
  IpNetwork(const IpAddress& first, size_t length) : first_(first), length_(length) {}

  IpAddress first_;
  size_t length_;  // of the shared bits: up to 32 or 128
};

}  // namespace sojourn::http
