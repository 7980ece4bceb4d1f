// Reading a tree of pages (page.h) without believing it: an answer "absent" is one that damage
// cannot have made.
//
// look_up() is for the reads of every request: it follows the tree down to one leaf, as LMDB does,
// and checks of each page only what it costs nothing to check. What it finds is proved by the
// checksum of the record, which covers its key. What it does not find is not proved absent.
//
// PageWalk moves in key order, as LMDB's cursors do. It verifies each leaf that it comes to, whole,
// and each branch whose borders it relies on; and that the keys of a page lie between the keys that
// lead to it. So no entry between two that it shows was skipped, unless the key of an entry was
// itself damaged in a way that kept the order: then that entry is the neighbour of where it was,
// and its own checksum tells. Who needs "absent" proved looks at both neighbours (queries.cc).
//
// What neither can notice: an old version of a page in the place of a newer one, which a disk
// leaves that lost a write. PageAudit finds most of those.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

#include "page.h"

namespace sojourn::lmdb {

// The value of `key`; nothing: not found, which proves nothing. Views point into the pages.
std::expected<std::optional<std::string_view>, PageFault> look_up(const Pages& pages,
                                                                  const Tree& tree,
                                                                  std::string_view key);

// A place in a tree. The moves return 0; MDB_NOTFOUND where there is no such entry; or
// MDB_CORRUPTED, once fault() says what was met. key(), value() and page() are valid after a 0.
// After seek() found nothing, previous() goes to the last entry. A copy is a place of its own.
class PageWalk {
 public:
  PageWalk(const Pages& pages, const Tree& tree, KeyOrder order = KeyOrder::bytes)
      : pages_(pages), tree_(tree), order_(order) {}
  // In a tree that cannot be found: every move says so.
  PageWalk(const Pages& pages, const PageFault& fault)
      : pages_(pages), lost_(true), fault_(fault) {}

  int first() { return from_root(Edge::first); }
  int last() { return from_root(Edge::last); }
  int next();
  int previous();

  // To the first entry whose key is `key` or after it. For KeyOrder::bytes.
  int seek(std::string_view key);

  // To the last entry whose key is before `key`.
  int seek_before(std::string_view key);

  std::string_view key() const { return key_; }
  std::string_view value() const { return value_.bytes; }
  PageNumber page() const { return path_[depth_ - 1].page.number(); }  // that they are on
  const PageFault& fault() const { return fault_; }

 private:
  enum class Edge { first, last };

  struct Step {
    Page page;
    uint16_t at;  // of the entry that was followed; on the leaf, of the entry shown
    bool verified;
  };

  int enter();
  int from_root(Edge edge);
  int descend(PageNumber number, Edge edge);
  bool push(PageNumber number);
  bool lies_between_its_borders(const Page& page);
  bool verify(Step& step);
  int show();
  bool fail(const PageFault& fault);
  int corrupted(const PageFault& fault);

  Step& leaf() { return path_[depth_ - 1]; }

  Pages pages_;
  Tree tree_;
  KeyOrder order_ = KeyOrder::bytes;
  bool lost_ = false;                 // `fault_` says why
  std::array<Step, kMaxDepth> path_;  // from the root
  size_t depth_ = 0;                  // of `path_` that is used
  std::string_view key_;
  Page::Value value_;
  PageFault fault_;
};

}  // namespace sojourn::lmdb
