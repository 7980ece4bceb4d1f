// Every page of the data file accounted for: each is in exactly one tree, or in the list of free
// pages, or was never used; and everything in the trees is what page_walk.h relies on, and as much
// of it as LMDB's own records count. Nothing in the pages can make it fail or run without end.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "page.h"

namespace sojourn::lmdb {

// Calls `visit` with each page of the list of free pages, once it is known to be one that can be
// free. A page may come twice.
std::expected<void, PageFault> each_free_page(const Pages& pages, const Head& head,
                                              const std::function<void(PageNumber)>& visit);

class PageAudit {
 public:
  // Told one sentence for each problem, and the name of each tree before it is walked: a table's,
  // "main" or "free".
  using Report = std::function<void(std::string)>;
  using Begin = std::function<void(std::string_view tree)>;

  PageAudit(const Pages& pages, const Head& head, Report report, Begin begin);

  // Takes time in proportion to the file, and a bit of memory for each page.
  void run();

  // The entries seen of each tree.
  const std::map<std::string, uint64_t>& entries() const { return entries_; }

 private:
  struct Border {
    std::string_view least, end;  // keys from `least` up to `end`, which are empty for none
  };
  // What was seen of a tree.
  struct Seen {
    uint64_t branches = 0, leaves = 0, overflow = 0, entries = 0;
  };

  void audit_tree(std::string_view name, const Tree& tree, KeyOrder order);
  void audit_page(PageNumber number, size_t level, const Border& border);
  void audit_leaf(const Page& page);
  void audit_table(std::string_view name, std::string_view record);
  void audit_free_list();
  void audit_leftovers();
  bool take(PageNumber number, uint64_t count);
  void problem(const PageFault& fault);

  const Pages pages_;
  const Head head_;
  const Report report_;
  const Begin begin_;

  // Of the tree that is being walked.
  std::string_view name_;
  Tree tree_;
  KeyOrder order_ = KeyOrder::bytes;
  Seen seen_;

  std::vector<bool> taken_;  // pages that were met
  uint64_t taken_count_ = 0;
  bool skipped_ = false;  // pages below a damaged one were not met
  std::map<std::string, uint64_t> entries_;
};

}  // namespace sojourn::lmdb
