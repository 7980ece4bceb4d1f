// One page of the data file: what LMDB 0.9 puts where, and what must be true of a page before
// anything in it is believed. LMDB checks almost nothing of what it reads: a damaged page makes it
// answer "absent", or read beyond the file. (docs/decisions/0012-reading-pages-ourselves.md)
//
// The layout, in numbers of the machine (mdb.c 0.9, 64-bit, little-endian):
//
//   page      number u64, unused u16, flags u16, lower u16, upper u16, offsets u16[]; from `upper`
//             to the end of the page its entries, in any order and without a gap; `lower` is the
//             end of the offsets, which are in the order of the keys
//   entry     8 bytes, then the key, then (on a leaf) the value or the number of its first overflow
//             page; always an even number of bytes
//   overflow  number u64, unused u16, flags u16, pages u32; then the value, over `pages` pages
//   meta      pages 0 and 1: as a page, then Head; commit N writes page N % 2
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <string_view>

namespace sojourn::lmdb {

using PageNumber = uint64_t;
inline constexpr PageNumber kNoPage = ~PageNumber{0};  // the root of an empty tree
inline constexpr PageNumber kFirstPage = 2;            // behind the two meta pages

// The pages of one moment, side by side in memory; all of them can be read.
struct Pages {
  const char* first = nullptr;
  size_t page_size = 0;  // a power of two, 512 to 32,768
  PageNumber count = 0;

  const char* at(PageNumber number) const { return first + number * page_size; }
};

// What a page is not. `what` is a static text, such as "its keys are out of order".
struct PageFault {
  PageNumber page = 0;
  std::string_view what;
};

// A tree, as LMDB records it: MDB_db.
struct Tree {
  uint32_t page_size = 0;  // of the free list only
  uint16_t flags = 0;
  uint16_t depth = 0;  // pages from the root to a leaf; 0: empty
  uint64_t branch_pages = 0;
  uint64_t leaf_pages = 0;
  uint64_t overflow_pages = 0;
  uint64_t entries = 0;
  PageNumber root = kNoPage;
};
static_assert(sizeof(Tree) == 48);

// What a meta page says: MDB_meta.
struct Head {
  uint32_t magic = 0;
  uint32_t version = 0;
  uint64_t address = 0;
  uint64_t map_size = 0;
  Tree free;  // transaction -> pages that it freed
  Tree main;  // name of a table -> its Tree
  PageNumber last_page = 0;
  uint64_t transaction = 0;

  size_t page_size() const { return free.page_size; }
};
static_assert(sizeof(Head) == 136);

inline constexpr size_t kPageHeaderBytes = 16;
inline constexpr size_t kEntryHeaderBytes = 8;
inline constexpr size_t kMaxKeyBytes = 511;
inline constexpr size_t kHeadBytes = kPageHeaderBytes + sizeof(Head);  // of a meta page
// A tree of 4 KiB pages cannot be deeper before it fills any disk: a branch has at least 4 children
// on the average, even with the longest keys.
inline constexpr size_t kMaxDepth = 16;

// The head in the first kHeadBytes of meta page 0 or 1; nothing when it is none of LMDB 0.9.
std::optional<Head> parsed_head(std::string_view page, PageNumber number);

enum class KeyOrder {
  bytes,    // as std::string_view compares
  integer,  // u64 in the machine's order: the free list
};

// A page of a tree. Whatever its bytes are, no call reads outside it.
class Page {
 public:
  Page() = default;

  // Checks the header: the page is there, it is the one that its number says, and a leaf or a
  // branch as is wanted. Cheap enough for every read.
  static std::expected<Page, PageFault> open(const Pages& pages, PageNumber number, bool leaf);

  // Checks all of it: every entry lies inside the page, together they fill it exactly, and their
  // keys are in order and possible. Takes time in proportion to its entries.
  std::expected<void, PageFault> verify(KeyOrder order) const;

  PageNumber number() const { return number_; }
  bool leaf() const { return leaf_; }
  size_t size() const { return size_; }  // entries; at least 1

  // The parts of entry `i`, which is below size(). Nothing: the entry reaches out of the page. The
  // first key of a branch page has no meaning.
  std::optional<std::string_view> key(size_t i) const {
    const auto entry = entry_at(i);
    if (!entry) return std::nullopt;
    return std::string_view(bytes_ + entry->offset + kEntryHeaderBytes, entry->key_size);
  }
  std::optional<PageNumber> child(size_t i) const {  // of a branch page
    const auto entry = entry_at(i);
    if (!entry) return std::nullopt;
    return entry->low | PageNumber{entry->flags} << 32;
  }
  struct Value {
    std::string_view bytes;
    PageNumber overflow = kNoPage;  // its first page, when it has pages of its own
    uint64_t overflow_pages = 0;    // how many they are
    bool tree = false;              // `bytes` is a Tree
  };
  // Of a leaf. Checks the overflow pages' header too.
  std::expected<Value, PageFault> value(const Pages& pages, size_t i) const;

  std::unexpected<PageFault> fault(std::string_view what) const {
    return std::unexpected(PageFault{number_, what});
  }

 private:
  struct Entry {
    uint32_t low;  // the size of the value, or the lower half of a child's number
    uint16_t flags;
    uint16_t key_size;
    uint32_t offset;
  };
  std::optional<Entry> entry_at(size_t i) const {
    uint16_t offset;
    std::memcpy(&offset, bytes_ + kPageHeaderBytes + 2 * i, sizeof(offset));
    if (offset + kEntryHeaderBytes > page_size_) return std::nullopt;
    Entry entry{.low = 0, .flags = 0, .key_size = 0, .offset = offset};
    std::memcpy(&entry, bytes_ + offset, kEntryHeaderBytes);
    if (offset + kEntryHeaderBytes + entry.key_size > page_size_) return std::nullopt;
    return entry;
  }

  // Not initialised: a PageWalk has many pages that it never comes to.
  const char* bytes_;
  PageNumber number_;
  uint32_t page_size_;
  uint16_t size_;
  uint16_t upper_;
  bool leaf_;
};

}  // namespace sojourn::lmdb
