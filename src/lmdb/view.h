// The tables at one moment, read from their pages (page_walk.h). What holds the moment is a
// ReadTransaction (environment.h).
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "page_walk.h"
#include "tables.h"

namespace sojourn::lmdb {

// Used by one thread at a time.
class View {
 public:
  // From now on of this moment. Cheap: every read begins with it.
  void show(const Pages& pages, const Head& head) {
    pages_ = pages;
    head_ = head;
    known_ = 0;
  }

  // The value under a key; nothing: not found, which proves nothing. Views point into the pages.
  std::expected<std::optional<std::string_view>, PageFault> find(Table table,
                                                                 std::string_view key) const;

  // As the table's record has it; 0 where that is damaged.
  uint64_t entries(Table table) const;

  // Where a table's record is damaged, the first move says so.
  PageWalk walk(Table table) const;

  std::expected<Tree, PageFault> tree(Table table) const;
  const Pages& pages() const { return pages_; }
  const Head& head() const { return head_; }

 private:
  Pages pages_;
  Head head_;
  // The trees that were asked for.
  mutable std::array<Tree, kTableCount> trees_;
  mutable unsigned known_ = 0;  // bit N: trees_[N]
};

// The format version of the directory; nothing when it cannot be found.
std::optional<uint32_t> format_of(const View& view);

}  // namespace sojourn::lmdb
