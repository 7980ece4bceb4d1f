#include "domain/session_id.h"

#include <algorithm>

namespace sojourn::domain {
namespace {

constexpr char kAlphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kBitsPerCharacter = 5;
constexpr size_t kPaddingBits = SessionId::kTextLength * kBitsPerCharacter - SessionId::kBytes * 8;

constexpr std::array<int8_t, 256> make_values() {
  std::array<int8_t, 256> values{};
  values.fill(-1);
  for (int8_t i = 0; i < 32; ++i) {
    const char upper = kAlphabet[i];
    values[static_cast<uint8_t>(upper)] = i;
    if (upper >= 'A') values[static_cast<uint8_t>(upper - 'A' + 'a')] = i;
  }
  return values;
}
constexpr std::array<int8_t, 256> kValues = make_values();

}  // namespace

SessionId SessionId::make(Time now, Entropy& entropy) {
  SessionId id;
  auto ms = static_cast<uint64_t>(now.time_since_epoch().count());
  for (size_t i = 6; i-- > 0;) {
    id.bytes_[i] = static_cast<uint8_t>(ms);
    ms >>= 8;
  }
  entropy.fill(std::as_writable_bytes(std::span(id.bytes_).subspan<6>()));
  return id;
}

std::optional<SessionId> SessionId::parse(std::string_view text) {
  if (text.size() != kTextLength) return std::nullopt;
  SessionId id;
  uint32_t window = 0;  // the bits read and not yet written, right-aligned
  size_t bits = 0;
  size_t next = 0;
  for (size_t i = 0; i < kTextLength; ++i) {
    const int8_t value = kValues[static_cast<uint8_t>(text[i])];
    if (value < 0) return std::nullopt;
    if (i == 0) {
      bits = kBitsPerCharacter - kPaddingBits;
      if (value >= 1 << bits) return std::nullopt;  // more than 176 bits
      window = static_cast<uint32_t>(value);
      continue;
    }
    window = (window << kBitsPerCharacter | static_cast<uint32_t>(value)) & 0xFFFF;
    bits += kBitsPerCharacter;
    if (bits >= 8) {
      bits -= 8;
      id.bytes_[next++] = static_cast<uint8_t>(window >> bits);
    }
  }
  return id;
}

SessionId SessionId::from_bytes(std::span<const uint8_t, kBytes> bytes) {
  SessionId id;
  std::ranges::copy(bytes, id.bytes_.begin());
  return id;
}

void SessionId::append_to(std::string& out) const {
  std::array<char, kTextLength> text;
  size_t next = 0;
  uint32_t window = 0;
  size_t bits = kPaddingBits;
  for (const uint8_t byte : bytes_) {
    window = (window << 8 | byte) & 0xFFFF;
    bits += 8;
    while (bits >= kBitsPerCharacter) {
      bits -= kBitsPerCharacter;
      text[next++] = kAlphabet[window >> bits & 31];
    }
  }
  out.append(text.data(), text.size());
}

std::string SessionId::text() const {
  std::string out;
  out.reserve(kTextLength);
  append_to(out);
  return out;
}

std::string SessionId::masked() const { return text().substr(0, 10); }

}  // namespace sojourn::domain
