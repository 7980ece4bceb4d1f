#include "page_walk.h"

#include <lmdb.h>

#include <cstring>

namespace sojourn::lmdb {
namespace {

using std::string_view;

constexpr string_view kOutside = "has an entry outside its bounds";
constexpr string_view kBadRecord = "is the root of a tree whose record is damaged";

// A tree's record may be as damaged as any page.
std::optional<PageFault> fault_of(const Tree& tree) {
  const bool empty = tree.root == kNoPage;
  if (empty != (tree.depth == 0) || empty != (tree.entries == 0) || tree.depth > kMaxDepth) {
    return PageFault{tree.root, kBadRecord};
  }
  return std::nullopt;
}

int compare(string_view a, string_view b) { return a.compare(b); }

// The first entry from `begin` on whose key is not before `key`; size() when all are. Only as right
// as the page is in order.
struct Found {
  size_t at;
  bool exact;
};
std::expected<Found, PageFault> search(const Page& page, size_t begin, string_view key) {
  size_t low = begin, high = page.size();
  bool exact = false;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    const auto here = page.key(middle);
    if (!here) return page.fault(kOutside);
    const int order = compare(*here, key);
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
      exact = order == 0;
      if (exact) break;
    }
  }
  return Found{high, exact};
}

// Which child of a branch leads to `key`: the first child's key has no meaning.
std::expected<size_t, PageFault> child_towards(const Page& branch, string_view key) {
  const auto found = search(branch, 1, key);
  if (!found) return std::unexpected(found.error());
  return found->exact ? found->at : found->at - 1;
}

}  // namespace

std::expected<std::optional<string_view>, PageFault> look_up(const Pages& pages, const Tree& tree,
                                                             string_view key) {
  if (const auto fault = fault_of(tree)) return std::unexpected(*fault);
  if (tree.depth == 0) return std::nullopt;
  PageNumber number = tree.root;
  for (size_t level = 1; level < tree.depth; ++level) {
    const auto branch = Page::open(pages, number, false);
    if (!branch) return std::unexpected(branch.error());
    const auto at = child_towards(*branch, key);
    if (!at) return std::unexpected(at.error());
    const auto child = branch->child(*at);
    if (!child) return branch->fault(kOutside);
    number = *child;
  }
  const auto leaf = Page::open(pages, number, true);
  if (!leaf) return std::unexpected(leaf.error());
  const auto found = search(*leaf, 0, key);
  if (!found) return std::unexpected(found.error());
  if (!found->exact) return std::nullopt;
  const auto value = leaf->value(pages, found->at);
  if (!value) return std::unexpected(value.error());
  return value->bytes;
}

// 0 when there is a root to begin at.
int PageWalk::enter() {
  depth_ = 0;
  if (lost_) return MDB_CORRUPTED;
  if (const auto fault = fault_of(tree_)) return corrupted(*fault);
  return tree_.depth == 0 ? MDB_NOTFOUND : 0;
}

int PageWalk::from_root(Edge edge) {
  const int error = enter();
  return error ? error : descend(tree_.root, edge);
}

// Follows one edge of the tree down from a page, which comes next in the path.
int PageWalk::descend(PageNumber number, Edge edge) {
  while (true) {
    if (!push(number)) return corrupted(fault_);
    Step& step = leaf();
    step.at = edge == Edge::first ? 0 : static_cast<uint16_t>(step.page.size() - 1);
    if (step.page.leaf()) return show();
    if (!verify(step)) return corrupted(fault_);
    number = *step.page.child(step.at);
  }
}

int PageWalk::next() {
  if (depth_ == 0) return first();
  if (leaf().at + 1u < leaf().page.size()) {
    ++leaf().at;
    return show();
  }
  for (size_t level = depth_ - 1; level-- > 0;) {
    Step& branch = path_[level];
    if (!verify(branch)) return corrupted(fault_);
    if (branch.at + 1u == branch.page.size()) continue;
    ++branch.at;
    depth_ = level + 1;
    return descend(*branch.page.child(branch.at), Edge::first);
  }
  leaf().at = static_cast<uint16_t>(leaf().page.size());
  return MDB_NOTFOUND;
}

int PageWalk::previous() {
  if (depth_ == 0) return last();
  if (leaf().at > 0) {
    --leaf().at;
    return show();
  }
  for (size_t level = depth_ - 1; level-- > 0;) {
    Step& branch = path_[level];
    if (!verify(branch)) return corrupted(fault_);
    if (branch.at == 0) continue;
    --branch.at;
    depth_ = level + 1;
    return descend(*branch.page.child(branch.at), Edge::last);
  }
  return MDB_NOTFOUND;
}

int PageWalk::seek(string_view key) {
  if (const int error = enter()) return error;
  PageNumber number = tree_.root;
  while (true) {
    if (!push(number)) return corrupted(fault_);
    Step& step = leaf();
    if (step.page.leaf()) break;
    const auto at = child_towards(step.page, key);
    if (!at) return corrupted(at.error());
    const auto child = step.page.child(*at);
    if (!child) return corrupted({step.page.number(), kOutside});
    step.at = static_cast<uint16_t>(*at);
    number = *child;
  }
  const auto found = search(leaf().page, 0, key);
  if (!found) return corrupted(found.error());
  leaf().at = static_cast<uint16_t>(found->at);
  if (found->at < leaf().page.size()) return show();
  --leaf().at;  // the entry is the first of the next leaf
  return next();
}

int PageWalk::seek_before(string_view key) {
  const int error = seek(key);
  return error && error != MDB_NOTFOUND ? error : previous();
}

// Puts a page at the end of the path, where a leaf is verified and a branch is only opened.
bool PageWalk::push(PageNumber number) {
  const bool is_leaf = depth_ + 1u == tree_.depth;
  const auto page = Page::open(pages_, number, is_leaf);
  if (!page) return fail(page.error());
  Step& step = path_[depth_];
  step = {.page = *page, .at = 0, .verified = false};
  if (is_leaf && !verify(step)) return false;
  if (!lies_between_its_borders(step.page)) {
    return fail({number, "has keys that belong elsewhere"});
  }
  ++depth_;
  return true;
}

// Whether its keys are from the key that leads to it up to the one that leads to the next page.
bool PageWalk::lies_between_its_borders(const Page& page) {
  const size_t begin = page.leaf() ? 0 : 1;
  if (begin >= page.size()) return true;
  const auto least = page.key(begin), greatest = page.key(page.size() - 1);
  if (!least || !greatest) return false;
  const auto precedes = [this](string_view a, string_view b) {
    if (order_ == KeyOrder::bytes) return compare(a, b) < 0;
    uint64_t x = 0, y = 0;
    if (a.size() != sizeof(x) || b.size() != sizeof(y)) return true;  // verify() says it better
    std::memcpy(&x, a.data(), sizeof(x));
    std::memcpy(&y, b.data(), sizeof(y));
    return x < y;
  };
  bool has_lower = false, has_upper = false;
  for (size_t level = depth_; level-- > 0 && !(has_lower && has_upper);) {
    const Step& branch = path_[level];
    if (!has_lower && branch.at > 0) {
      const auto border = branch.page.key(branch.at);
      if (!border || precedes(*least, *border)) return false;
      has_lower = true;
    }
    if (!has_upper && branch.at + 1u < branch.page.size()) {
      const auto border = branch.page.key(branch.at + 1);
      if (!border || !precedes(*greatest, *border)) return false;
      has_upper = true;
    }
  }
  return true;
}

bool PageWalk::verify(Step& step) {
  if (step.verified) return true;
  if (const auto verified = step.page.verify(order_); !verified) return fail(verified.error());
  step.verified = true;
  return true;
}

// Shows the entry at which the path ends.
int PageWalk::show() {
  const auto value = leaf().page.value(pages_, leaf().at);
  if (!value) return corrupted(value.error());
  key_ = *leaf().page.key(leaf().at);
  value_ = *value;
  return 0;
}

bool PageWalk::fail(const PageFault& fault) {
  fault_ = fault;
  return false;
}

int PageWalk::corrupted(const PageFault& fault) {
  fault_ = fault;
  depth_ = 0;
  return MDB_CORRUPTED;
}

}  // namespace sojourn::lmdb
