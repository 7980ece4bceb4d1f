// The name of a session, made only by the server.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/entropy.h"

namespace sojourn::domain {

// 48 bits of Unix milliseconds, then 128 random bits (OWASP ASVS 5.0 7.2.3: at least 128 bits from
// a CSPRNG), so ids sort by the time they were made. A value; compares as its bytes do.
//
// As text: the 176 bits as one number in 36 characters of Crockford base32 (0-9 A-Z without I L O
// U), upper case, the four unused bits at the front. The first 10 characters hold nothing but time,
// so they may be logged.
class SessionId {
 public:
  static constexpr size_t kBytes = 22;
  static constexpr size_t kTextLength = 36;
  using Bytes = std::array<uint8_t, kBytes>;

  // A new id. `now` is cut to 48 bits.
  static SessionId make(Time now, Entropy& entropy);

  // Reads upper or lower case. Nothing when `text` is not an id as this server writes them; any
  // such text is an unknown id, not an error.
  static std::optional<SessionId> parse(std::string_view text);

  static SessionId from_bytes(std::span<const uint8_t, kBytes> bytes);

  const Bytes& bytes() const { return bytes_; }
  void append_to(std::string& out) const;
  std::string text() const;

  // The first 10 characters of the text: enough to find a line in a log, useless as an id.
  std::string masked() const;

  friend auto operator<=>(const SessionId&, const SessionId&) = default;

 private:
  Bytes bytes_{};
};

}  // namespace sojourn::domain
