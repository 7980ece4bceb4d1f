// Which known name a misspelt one probably is.
#pragma once

#include <cstddef>
#include <string_view>

namespace sojourn {

// Counts letters to change, whatever their case (Levenshtein). Names must outlive it.
class Nearest {
 public:
  // A name is meant if at most `most` of its letters are wrong.
  Nearest(std::string_view misspelt, size_t most);
  // The same with a third of its letters, and at least 2.
  explicit Nearest(std::string_view misspelt);

  void consider(std::string_view name);

  // The nearest of the names considered, the first of equally near ones; empty if none is near
  // enough to be meant.
  std::string_view best() const { return best_; }

 private:
  std::string_view misspelt_;
  size_t least_;
  std::string_view best_;
};

}  // namespace sojourn
