#include "domain/idempotency.h"

#include <algorithm>

namespace sojourn::domain {

std::string filed_key(std::string_view caller, std::string_view key) {
  std::string filed(caller);
  if (!filed.empty()) filed.push_back(' ');
  return filed.append(key);
}

bool is_filed_key(std::string_view text) {
  const auto is_visible = [](std::string_view part, size_t most) {
    return !part.empty() && part.size() <= most &&
           std::ranges::all_of(part, [](char c) { return c >= '!' && c <= '~'; });
  };
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return is_visible(text, kMaxIdempotencyKeyBytes);
  return is_visible(text.substr(0, space), kMaxCallerBytes) &&
         is_visible(text.substr(space + 1), kMaxIdempotencyKeyBytes);
}

}  // namespace sojourn::domain
