#include "page_audit.h"

#include <fmt/format.h>
#include <lmdb.h>

#include <algorithm>
#include <cstring>
#include <tuple>
#include <utility>

#include "page_walk.h"

namespace sojourn::lmdb {
namespace {

constexpr std::string_view kMain = "main";
constexpr std::string_view kFree = "free";

uint64_t number_at(const char* bytes) {
  uint64_t number;
  std::memcpy(&number, bytes, sizeof(number));
  return number;
}

// The pages that one entry of the free list has: how many, then their numbers, greatest first.
// There may be room behind them. Nothing when it is damaged.
template <class Visit>
bool each_in_list(std::string_view list, const Head& head, Visit visit) {
  if (list.size() < sizeof(uint64_t) || list.size() % sizeof(uint64_t) != 0) return false;
  const uint64_t count = number_at(list.data());
  if (count > list.size() / sizeof(uint64_t) - 1) return false;
  PageNumber before = head.last_page + 1;
  for (uint64_t i = 1; i <= count; ++i) {
    const PageNumber page = number_at(list.data() + i * sizeof(uint64_t));
    if (page < kFirstPage || page >= before) return false;
    visit(page);
    before = page;
  }
  return true;
}

}  // namespace

std::expected<void, PageFault> each_free_page(const Pages& pages, const Head& head,
                                              const std::function<void(PageNumber)>& visit) {
  PageWalk at(pages, head.free, KeyOrder::integer);
  int moved = at.first();
  for (; !moved; moved = at.next()) {
    if (number_at(at.key().data()) > head.transaction || !each_in_list(at.value(), head, visit)) {
      return std::unexpected(PageFault{at.page(), "has a damaged list of free pages"});
    }
  }
  if (moved == MDB_CORRUPTED) return std::unexpected(at.fault());
  return {};
}

PageAudit::PageAudit(const Pages& pages, const Head& head, Report report, Begin begin)
    : pages_(pages),
      head_(head),
      report_(std::move(report)),
      begin_(std::move(begin)),
      taken_(head.last_page + 1) {}

void PageAudit::run() {
  take(0, kFirstPage);
  audit_tree(kMain, head_.main, KeyOrder::bytes);
  audit_free_list();
  audit_leftovers();
}

void PageAudit::audit_tree(std::string_view name, const Tree& tree, KeyOrder order) {
  const auto outer = std::tuple(name_, tree_, order_, seen_);
  std::tie(name_, tree_, order_, seen_) = std::tuple(name, tree, order, Seen{});
  begin_(name);
  const bool empty = tree.root == kNoPage;
  if (empty != (tree.depth == 0) || tree.depth > kMaxDepth) {
    report_(fmt::format("{}: its record is damaged", name));
    skipped_ = true;
  } else {
    if (!empty) audit_page(tree.root, 1, {});
    const Seen recorded{tree.branch_pages, tree.leaf_pages, tree.overflow_pages, tree.entries};
    const auto compare = [&](uint64_t seen, uint64_t said, std::string_view what) {
      if (seen != said)
        report_(fmt::format("{}: {} {}, and LMDB counted {}", name, seen, what, said));
    };
    compare(seen_.branches, recorded.branches, "branch pages");
    compare(seen_.leaves, recorded.leaves, "leaf pages");
    compare(seen_.overflow, recorded.overflow, "overflow pages");
    compare(seen_.entries, recorded.entries, "entries");
  }
  entries_[std::string(name)] = seen_.entries;
  std::tie(name_, tree_, order_, seen_) = outer;
}

void PageAudit::audit_page(PageNumber number, size_t level, const Border& border) {
  const bool is_leaf = level == tree_.depth;
  auto page = Page::open(pages_, number, is_leaf);
  auto sound = page ? page->verify(order_) : std::unexpected(page.error());
  const size_t first = is_leaf ? 0 : 1;  // the first key of a branch has no meaning
  if (sound && first < page->size()) {
    const auto precedes = [this](std::string_view a, std::string_view b) {
      return order_ == KeyOrder::bytes ? a < b : number_at(a.data()) < number_at(b.data());
    };
    if ((!border.least.empty() && precedes(*page->key(first), border.least)) ||
        (!border.end.empty() && !precedes(*page->key(page->size() - 1), border.end))) {
      sound = page->fault("has keys that belong elsewhere");
    }
  }
  if (!sound) problem(sound.error());
  if (!take(number, 1) || !sound) {
    skipped_ = true;
    return;
  }
  if (is_leaf) {
    ++seen_.leaves;
    return audit_leaf(*page);
  }
  ++seen_.branches;
  for (size_t i = 0; i < page->size(); ++i) {
    audit_page(*page->child(i), level + 1,
               {.least = i > 0 ? *page->key(i) : border.least,
                .end = i + 1 < page->size() ? *page->key(i + 1) : border.end});
  }
}

void PageAudit::audit_leaf(const Page& page) {
  for (size_t i = 0; i < page.size(); ++i) {
    ++seen_.entries;
    const auto value = page.value(pages_, i);
    if (!value) {
      problem(value.error());
      skipped_ = true;
      continue;
    }
    if (value->overflow != kNoPage) {
      seen_.overflow += value->overflow_pages;
      take(value->overflow, value->overflow_pages);
    }
    const bool of_main = name_ == kMain;
    if (value->tree != of_main) {
      problem({page.number(), of_main ? "has an entry that is no table" : "has a tree inside"});
    } else if (of_main) {
      audit_table(*page.key(i), value->bytes);
    }
  }
}

void PageAudit::audit_table(std::string_view name, std::string_view record) {
  Tree tree;
  if (!std::ranges::all_of(name, [](char c) { return c >= 'a' && c <= 'z'; })) name = "unknown";
  if (record.size() != sizeof(tree)) {
    report_(fmt::format("{}: its record is damaged", name));
    skipped_ = true;
    return;
  }
  std::memcpy(&tree, record.data(), sizeof(tree));
  audit_tree(name, tree, KeyOrder::bytes);
}

void PageAudit::audit_free_list() {
  const auto outer_skipped = skipped_;
  audit_tree(kFree, head_.free, KeyOrder::integer);
  name_ = kFree;
  const auto listed = each_free_page(pages_, head_, [this](PageNumber page) { take(page, 1); });
  if (!listed && skipped_ == outer_skipped) problem(listed.error());
  if (!listed) skipped_ = true;
}

void PageAudit::audit_leftovers() {
  const uint64_t all = head_.last_page + 1;
  if (skipped_ || taken_count_ == all) return;
  report_(fmt::format("{} pages are in no table and not free", all - taken_count_));
}

// Notes pages as met; false when one of them was before.
bool PageAudit::take(PageNumber number, uint64_t count) {
  bool first_time = true;
  for (PageNumber page = number; page < number + count && page < taken_.size(); ++page) {
    if (taken_[page]) {
      problem({page, "is in use twice"});
      first_time = false;
      continue;
    }
    taken_[page] = true;
    ++taken_count_;
  }
  return first_time;
}

void PageAudit::problem(const PageFault& fault) {
  report_(fmt::format("{}: page {} {}", name_, fault.page, fault.what));
}

}  // namespace sojourn::lmdb
