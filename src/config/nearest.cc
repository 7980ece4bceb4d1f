#include "nearest.h"

#include <algorithm>
#include <utility>

namespace sojourn::config {
namespace {

// Longer names are not worth the time.
constexpr size_t kLongest = 200;

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string_view nearest(std::string_view name, const std::vector<std::string_view>& names,
                         size_t most) {
  std::string_view best;
  if (name.size() > kLongest) return best;
  size_t least = most + 1;
  for (const std::string_view one : names) {
    const size_t distance = edit_distance(name, one);
    if (distance >= least) continue;
    least = distance;
    best = one;
  }
  return best;
}

}  // namespace sojourn::config
