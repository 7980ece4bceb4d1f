// The reader of pages beside LMDB itself, and on pages that were damaged.
#include "page_walk.h"

#include <gtest/gtest.h>
#include <lmdb.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "page_audit.h"
#include "table_cursor.h"
#include "test_directory.h"

namespace sojourn::lmdb {
namespace {

using Entry = std::pair<std::string, std::string>;
using Entries = std::vector<Entry>;

// A file that LMDB made of random changes: a table "t" of the entries that are left.
class RandomStore {
 public:
  // Keys are numbers below `range` as text of some length, so changes meet again.
  RandomStore(unsigned seed, size_t transactions, size_t changes, unsigned range) : random_(seed) {
    EXPECT_EQ(mdb_env_create(&environment_), 0);
    EXPECT_EQ(mdb_env_set_maxdbs(environment_, 4), 0);
    EXPECT_EQ(mdb_env_set_mapsize(environment_, 64 << 20), 0);
    EXPECT_EQ(mdb_env_open(environment_, directory_.path().c_str(), MDB_NOLOCK | MDB_NOSYNC, 0600),
              0);
    for (size_t i = 0; i < transactions; ++i) change(changes, range);
    load();
  }
  ~RandomStore() { mdb_env_close(environment_); }

  const Entries& entries() const { return entries_; }
  Head head() const {
    const auto first = parsed_head(bytes_, 0);
    const auto second = parsed_head(std::string_view(bytes_).substr(first->page_size()), 1);
    return first->transaction > second->transaction ? *first : *second;
  }
  Pages pages() const { return pages_of(bytes_); }
  static Pages pages_of(const std::string& bytes) {
    return {bytes.data(), 4096, bytes.size() / 4096};
  }
  const std::string& bytes() const { return bytes_; }

  // The table in `pages`, which are this store's or damaged ones.
  Tree tree(const Pages& pages) const {
    const auto record = look_up(pages, head().main, "t");
    Tree tree{.depth = 1};  // with no root: damaged
    if (record && *record && (*record)->size() == sizeof(tree)) {
      std::memcpy(&tree, (*record)->data(), sizeof(tree));
    }
    return tree;
  }

 private:
  size_t any(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }

  void change(size_t changes, unsigned range) {
    MDB_txn* transaction = nullptr;
    MDB_dbi table = 0;
    ASSERT_EQ(mdb_txn_begin(environment_, nullptr, 0, &transaction), 0);
    ASSERT_EQ(mdb_dbi_open(transaction, "t", MDB_CREATE, &table), 0);
    for (size_t i = 0; i < changes; ++i) {
      std::string key = std::to_string(any(range));
      key.append(key.size() * 7 % 40, 'k');
      MDB_val at = as_val(key);
      if (any(3) == 0) {
        mdb_del(transaction, table, &at, nullptr);
        continue;
      }
      const size_t size = any(20) == 0 ? any(20'000) : any(10) == 0 ? 1900 + any(300) : any(200);
      const std::string value(size, static_cast<char>('a' + any(26)));
      MDB_val with = as_val(value);
      ASSERT_EQ(mdb_put(transaction, table, &at, &with, 0), 0);
    }
    ASSERT_EQ(mdb_txn_commit(transaction), 0);
  }

  void load() {
    std::ifstream file(directory_.path() / "data.mdb", std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    MDB_txn* transaction = nullptr;
    MDB_dbi table = 0;
    ASSERT_EQ(mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &transaction), 0);
    ASSERT_EQ(mdb_dbi_open(transaction, "t", 0, &table), 0);
    {
      TableCursor at(transaction, table);
      for (int error = at.first(); !error; error = at.next()) {
        entries_.emplace_back(at.key(), at.value());
      }
    }
    mdb_txn_abort(transaction);
  }

  const TestDirectory directory_;
  std::mt19937 random_;
  MDB_env* environment_ = nullptr;
  Entries entries_;
  std::string bytes_;
};

struct Walked {
  Entries entries;
  int ended = 0;
  PageFault fault;
};
Walked walk(PageWalk at, bool forward) {
  Walked walked;
  walked.ended = forward ? at.first() : at.last();
  while (!walked.ended) {
    walked.entries.emplace_back(at.key(), at.value());
    walked.ended = forward ? at.next() : at.previous();
  }
  walked.fault = at.fault();
  return walked;
}

std::vector<std::string> problems_in(const Pages& pages, const Head& head) {
  std::vector<std::string> problems;
  PageAudit audit(
      pages, head, [&](std::string text) { problems.push_back(std::move(text)); },
      [](std::string_view) {});
  audit.run();
  return problems;
}

// What LMDB makes, in any order of changes, is what page.h says.
TEST(PageWalk, SeesWhatLmdbSees) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    const RandomStore store(seed, 1 + seed * 2, 40 + seed * 10, seed % 2 ? 500 : 20'000);
    const Pages pages = store.pages();
    const PageWalk at(pages, store.tree(pages));
    const Walked forward = walk(at, true);
    EXPECT_EQ(forward.ended, MDB_NOTFOUND) << forward.fault.page << " " << forward.fault.what;
    EXPECT_EQ(forward.entries, store.entries());
    Walked backward = walk(at, false);
    EXPECT_EQ(backward.ended, MDB_NOTFOUND);
    std::ranges::reverse(backward.entries);
    EXPECT_EQ(backward.entries, store.entries());
    EXPECT_EQ(problems_in(pages, store.head()), std::vector<std::string>());
  }
}

TEST(PageWalk, FindsPlacesAsLmdbDoes) {
  const RandomStore store(7, 40, 200, 3'000);
  const Pages pages = store.pages();
  const Tree tree = store.tree(pages);
  const std::map<std::string, std::string> entries(store.entries().begin(), store.entries().end());
  std::vector<std::string> keys{"0", "9999999", std::string(1, '\0'), std::string(511, '\xFF')};
  for (const auto& [key, value] : entries) {
    keys.push_back(key);
    keys.push_back(key + '\0');
    keys.push_back(key.substr(0, key.size() - 1) + static_cast<char>(key.back() - 1) + "\xFF");
  }
  for (const std::string& key : keys) {
    PageWalk at(pages, tree);
    const auto after = entries.lower_bound(key);
    ASSERT_EQ(at.seek(key), after == entries.end() ? MDB_NOTFOUND : 0);
    if (after != entries.end()) {
      EXPECT_EQ(at.key(), after->first);
      EXPECT_EQ(at.value(), after->second);
    }
    PageWalk before(pages, tree);
    ASSERT_EQ(before.seek_before(key), after == entries.begin() ? MDB_NOTFOUND : 0);
    if (after != entries.begin()) {
      EXPECT_EQ(before.key(), std::prev(after)->first);
    }
    const auto found = look_up(pages, tree, key);
    ASSERT_TRUE(found.has_value());
    const auto there = entries.find(key);
    ASSERT_EQ(found->has_value(), there != entries.end());
    if (*found) {
      EXPECT_EQ(**found, there->second);
    }
  }
}

TEST(PageWalk, AnEmptyTreeHasNothing) {
  const Tree empty;
  PageWalk at({}, empty);
  for (const int moved : {at.first(), at.last(), at.next(), at.previous(), at.seek("x")}) {
    EXPECT_EQ(moved, MDB_NOTFOUND);
  }
  EXPECT_EQ(look_up({}, empty, "x").value(), std::nullopt);
}

// The same from a place in the middle, to which no end of the tree leads.
Walked walk_from(PageWalk at, std::string_view key) {
  Walked walked;
  walked.ended = at.seek(key);
  PageWalk before = at;
  while (!walked.ended) {
    walked.entries.emplace_back(at.key(), at.value());
    walked.ended = at.next();
  }
  walked.fault = at.fault();
  if (walked.ended == MDB_CORRUPTED) return walked;
  walked.ended = before.previous();
  for (; !walked.ended; walked.ended = before.previous()) {
    walked.entries.emplace(walked.entries.begin(), before.key(), before.value());
  }
  walked.fault = before.fault();
  return walked;
}

// What is wrong with a page, in the words that operators read.
TEST(PageWalk, SaysWhatIsWrongWithAPage) {
  const RandomStore store(3, 30, 60, 900);
  const Pages whole = store.pages();
  const Tree tree = store.tree(whole);
  ASSERT_GE(tree.depth, 2);
  PageWalk at(whole, tree);
  ASSERT_EQ(at.first(), 0);
  const size_t leaf = at.page() * 4096;
  size_t large = 0;  // the first overflow page that the walk meets
  for (int moved = 0; moved == 0 && large == 0; moved = at.next()) {
    const auto place = static_cast<size_t>(at.value().data() - store.bytes().data());
    if (place % 4096 == 16) large = place - 16;
  }
  ASSERT_GT(large, 0u);
  const auto number_at = [&](size_t offset) {
    uint16_t number;
    std::memcpy(&number, store.bytes().data() + offset, sizeof(number));
    return number;
  };
  const auto two = [](size_t number) {
    return std::string{static_cast<char>(number), static_cast<char>(number >> 8)};
  };
  const size_t lower = number_at(leaf + 12), first = number_at(leaf + 16),
               second = number_at(leaf + 18);
  const std::tuple<size_t, std::string, std::string_view> damages[] = {
      {leaf, two(number_at(leaf) + 1), "is another page"},
      {leaf + 10, two(1), "is not a leaf"},
      {leaf + 12, two(15), "has impossible bounds"},
      {leaf + 12, two(lower - 2), "has a gap between its entries"},
      {leaf + 14, two(4098), "has impossible bounds"},
      {leaf + 16, two(second) + two(first), "has keys out of order"},
      {leaf + 16, two(4094), "has an entry outside its bounds"},
      {leaf + 16, two(first + 1), "has an entry outside its bounds"},
      {leaf + first + 4, two(0x10), "has an unknown entry"},
      {leaf + first + 2, two(7), "has an entry that is too large"},
      {leaf + first + 6, two(0), "has an impossible key"},
      {tree.root * 4096 + 10, two(2), "is not a branch"},
      {large, two(number_at(large) + 1), "is another page"},
      {large + 10, two(2), "is not the beginning of a large value"},
      {large + 12, two(0), "says a wrong number of pages"},
  };
  for (const auto& [place, bytes, what] : damages) {
    std::string damaged = store.bytes();
    damaged.replace(place, bytes.size(), bytes);
    const Pages pages = RandomStore::pages_of(damaged);
    const Walked walked = walk(PageWalk(pages, tree), true);
    EXPECT_EQ(walked.ended, MDB_CORRUPTED) << what;
    EXPECT_EQ(walked.fault.what, what);
    const auto problems = problems_in(pages, store.head());
    EXPECT_TRUE(std::ranges::any_of(
        problems,
        [&](const std::string& one) { return contains(one, "t: page ") && contains(one, what); }))
        << what << ": " << problems.size();
  }
  // One page more than the value has is one of something else.
  std::string damaged = store.bytes();
  damaged.replace(large + 12, 2, two(number_at(large + 12) + 1));
  const auto problems = problems_in(RandomStore::pages_of(damaged), store.head());
  EXPECT_TRUE(std::ranges::any_of(
      problems, [](const std::string& one) { return contains(one, "is in use twice"); }));
}

// The entries of `walked` are all of `right`; the key and the value of one may be others.
void expect_none_missing(const Entries& walked, const Entries& right, const std::string& what) {
  ASSERT_EQ(walked.size(), right.size()) << what;
  size_t changed = 0;
  for (size_t i = 0; i < right.size(); ++i) changed += walked[i] != right[i];
  EXPECT_LE(changed, 1u) << what;
}

// A branch that lost its last child ends too early.
TEST(PageWalk, DoesNotTakeTheEndOfADamagedBranchForTheEnd) {
  const RandomStore store(3, 30, 60, 900);
  const Tree tree = store.tree(store.pages());
  ASSERT_GE(tree.depth, 2);
  std::string damaged = store.bytes();
  damaged[tree.root * 4096 + 12] = static_cast<char>(damaged[tree.root * 4096 + 12] - 2);
  const Pages pages = RandomStore::pages_of(damaged);
  PageWalk at(pages, tree);
  int moved = at.seek(store.entries().front().first);
  EXPECT_EQ(moved, 0);
  while (!moved) moved = at.next();
  EXPECT_EQ(moved, MDB_CORRUPTED);
  EXPECT_EQ(at.fault().page, tree.root);
}

// However a bit is flipped, no entry is left out without a word. The audit sees whatever a walk
// sees.
TEST(PageWalk, AFlippedBitHidesNothing) {
  const RandomStore store(3, 30, 60, 900);
  const Entries& right = store.entries();
  std::mt19937 random(1);
  std::map<std::string_view, int> met;
  for (int i = 0; i < 2'000; ++i) {
    std::string bytes = store.bytes();
    // Every second one in the first bytes of a page, where its header and offsets are.
    const size_t at =
        i % 2 ? random() % bytes.size() : random() % (bytes.size() / 4096) * 4096 + random() % 64;
    if (at < 2 * 4096) continue;  // the heads: data_file.h
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    const Pages pages = RandomStore::pages_of(bytes);
    bool seen = false;
    const PageWalk place(pages, store.tree(pages));
    const std::string_view middle = right[static_cast<size_t>(i) % right.size()].first;
    for (const int way : {0, 1, 2}) {
      Walked walked = way == 2 ? walk_from(place, middle) : walk(place, way == 0);
      if (walked.ended == MDB_CORRUPTED) {
        seen = true;
        ++met[walked.fault.what];
        continue;
      }
      ASSERT_EQ(walked.ended, MDB_NOTFOUND);
      if (way == 1) std::ranges::reverse(walked.entries);
      expect_none_missing(walked.entries, right, "byte " + std::to_string(at));
    }
    if (seen) {
      EXPECT_FALSE(problems_in(pages, store.head()).empty()) << "byte " << at;
    }
  }
  EXPECT_GE(met.size(), 10u);
}

TEST(PageWalk, SwappedZeroedAndRepeatedPagesHideNothing) {
  const RandomStore store(5, 30, 60, 900);
  std::mt19937 random(2);
  for (int i = 0; i < 600; ++i) {
    std::string bytes = store.bytes();
    const auto any_page = [&] { return (2 + random() % (bytes.size() / 4096 - 2)) * 4096; };
    const size_t one = any_page(), other = any_page();
    switch (i % 3) {
      case 0:
        std::swap_ranges(bytes.begin() + static_cast<ptrdiff_t>(one),
                         bytes.begin() + static_cast<ptrdiff_t>(one + 4096),
                         bytes.begin() + static_cast<ptrdiff_t>(other));
        break;
      case 1:
        bytes.replace(one, 4096, 4096, '\0');
        break;
      default:
        bytes.replace(one, 4096, store.bytes(), other, 4096);
    }
    const Pages pages = RandomStore::pages_of(bytes);
    const Walked walked = walk(PageWalk(pages, store.tree(pages)), true);
    if (walked.ended == MDB_NOTFOUND) {
      EXPECT_EQ(walked.entries.size(), store.entries().size());  // the value of one may be another
    } else {
      EXPECT_FALSE(problems_in(pages, store.head()).empty());
    }
  }
}

// Each page of the file is in use once, or free once.
TEST(PageAudit, FindsDamageInTheListOfFreePages) {
  const RandomStore store(9, 60, 60, 900);
  ASSERT_EQ(problems_in(store.pages(), store.head()), std::vector<std::string>());
  const Pages pages = store.pages();
  PageWalk at(pages, store.head().free, KeyOrder::integer);
  ASSERT_EQ(at.first(), 0);
  while (at.value().size() < 24) ASSERT_EQ(at.next(), 0);
  const auto place = static_cast<size_t>(at.value().data() - store.bytes().data());
  {
    // Two pages in the wrong order.
    std::string bytes = store.bytes();
    std::swap_ranges(bytes.begin() + static_cast<ptrdiff_t>(place + 8),
                     bytes.begin() + static_cast<ptrdiff_t>(place + 16),
                     bytes.begin() + static_cast<ptrdiff_t>(place + 16));
    EXPECT_FALSE(problems_in(RandomStore::pages_of(bytes), store.head()).empty());
  }
  // How many pages the entry has; its first page; a page that is not in the file.
  for (const auto& [offset, change] : {std::pair<size_t, char>{0, 1}, {8, 1}, {13, 1}}) {
    std::string bytes = store.bytes();
    bytes[place + offset] = static_cast<char>(bytes[place + offset] ^ change);
    EXPECT_FALSE(problems_in(RandomStore::pages_of(bytes), store.head()).empty()) << offset;
  }
}

TEST(PageAudit, ComparesItsCountsWithThoseOfLmdb) {
  const RandomStore store(9, 10, 60, 900);
  for (size_t field = 8; field < sizeof(Tree) - 8; field += 8) {  // branch pages to entries
    Head head = store.head();
    reinterpret_cast<char*>(&head.main)[field] ^= 4;
    EXPECT_FALSE(problems_in(store.pages(), head).empty()) << field;
  }
}

}  // namespace
}  // namespace sojourn::lmdb
