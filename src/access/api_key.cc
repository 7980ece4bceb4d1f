#include "access/api_key.h"

#include <algorithm>
#include <array>

namespace sojourn::access {
namespace {

constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string make_key(Entropy& entropy) {
  std::array<std::byte, 32> random;
  entropy.fill(random);
  std::string key(kKeyPrefix);
  uint32_t bits = 0;
  int count = 0;  // of the low bits of `bits` that are not written yet
  for (const std::byte byte : random) {
    bits = bits << 8 | std::to_integer<uint32_t>(byte);
    count += 8;
    while (count >= 6) {
      count -= 6;
      key.push_back(kBase64Url[bits >> count & 63]);
    }
  }
  key.push_back(kBase64Url[bits << (6 - count) & 63]);
  return key;
}

bool is_key_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxKeyNameBytes && !name.starts_with(kKeyPrefix) &&
         std::ranges::all_of(name, [](char c) { return kBase64Url.contains(c); });
}

}  // namespace sojourn::access
