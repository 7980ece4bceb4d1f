#include "http/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace sojourn::http {
namespace {

constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

uint8_t byte_at(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

// Whether the first `length` bits are the same.
bool begin_alike(std::string_view a, std::string_view b, size_t length) {
  const size_t whole = length / 8, rest = length % 8;
  if (a.substr(0, whole) != b.substr(0, whole)) return false;
  return rest == 0 || (byte_at(a, whole) ^ byte_at(b, whole)) >> (8 - rest) == 0;
}

bool has_zeros_from(std::string_view bytes, size_t length) {
  for (size_t bit = length; bit < bytes.size() * 8; ++bit) {
    if ((byte_at(bytes, bit / 8) >> (7 - bit % 8) & 1) != 0) return false;
  }
  return true;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
  std::ranges::copy(text, terminated.begin());
  std::array<uint8_t, 4> v4{};
  if (inet_pton(AF_INET, terminated.data(), v4.data()) == 1) return of(v4);
  std::array<uint8_t, 16> v6{};
  if (inet_pton(AF_INET6, terminated.data(), v6.data()) == 1) return of(v6);
  return std::nullopt;
}

bool IpAddress::is_v4() const { return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin()); }

std::string_view IpAddress::bytes() const {
  const std::string_view all(reinterpret_cast<const char*>(bytes_.data()), bytes_.size());
  return is_v4() ? all.substr(kMapped.size()) : all;
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes().data(), text.data(), text.size());
  return text.data();
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
  const size_t slash = text.find('/');
  const auto first = IpAddress::parse(text.substr(0, slash));
  if (!first) return std::nullopt;
  const size_t bits = first->bytes().size() * 8;
  if (slash == text.npos) return IpNetwork(*first, bits);
  if (first->is_v4() && text.find(':') != text.npos) return std::nullopt;  // of which family?
  const std::string_view digits = text.substr(slash + 1);
  size_t length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || end != digits.data() + digits.size() || length > bits ||
      !has_zeros_from(first->bytes(), length)) {
    return std::nullopt;
  }
  return IpNetwork(*first, length);
}

bool IpNetwork::contains(const IpAddress& address) const {
  return address.is_v4() == first_.is_v4() && begin_alike(address.bytes(), first_.bytes(), length_);
}

std::string IpNetwork::text() const {
  const bool alone = length_ == first_.bytes().size() * 8;
  return alone ? first_.text() : first_.text() + "/" + std::to_string(length_);
}

}  // namespace sojourn::http
