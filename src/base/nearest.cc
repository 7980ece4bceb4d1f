#include "base/nearest.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.h"

namespace sojourn {
namespace {

// What is longer is no slip of a name, and the comparison is quadratic.
constexpr size_t kLongest = 200;

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = equals_ignoring_case(a.substr(i - 1, 1), b.substr(j - 1, 1));
      const size_t change = diagonal + (same ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

Nearest::Nearest(std::string_view misspelt, size_t most) : misspelt_(misspelt), least_(most + 1) {}

Nearest::Nearest(std::string_view misspelt)
    : Nearest(misspelt, std::max<size_t>(2, misspelt.size() / 3)) {}

void Nearest::consider(std::string_view name) {
  if (misspelt_.size() > kLongest || name.size() > kLongest) return;
  const size_t letters = distance(misspelt_, name);
  if (letters >= least_ || letters >= name.size()) return;
  least_ = letters;
  best_ = name;
}

}  // namespace sojourn
