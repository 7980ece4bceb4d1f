#include "page.h"

#include <lmdb.h>

#include <bit>

namespace sojourn::lmdb {
namespace {

static_assert(std::endian::native == std::endian::little && sizeof(void*) == 8,
              "the layout in page.h is that of a 64-bit little-endian machine");

// Flags of pages.
constexpr uint16_t kBranch = 0x01;
constexpr uint16_t kLeaf = 0x02;
constexpr uint16_t kOverflow = 0x04;
constexpr uint16_t kMeta = 0x08;

// Flags of entries on leaves.
constexpr uint16_t kBigValue = 0x01;  // the value has pages of its own
constexpr uint16_t kTree = 0x02;      // the value is a Tree

constexpr uint32_t kMagic = 0xBEEFC0DE;
constexpr uint32_t kDataVersion = 1;
constexpr size_t kMinPageSize = 512;
constexpr size_t kMaxPageSize = 32'768;

template <class N>
N number_at(const char* bytes) {
  N number;
  std::memcpy(&number, bytes, sizeof(number));
  return number;
}

constexpr size_t even(size_t size) { return (size + 1) & ~size_t{1}; }

// An entry that would be larger has its value on overflow pages.
constexpr size_t most_in_page(size_t page_size) {
  return (((page_size - kPageHeaderBytes) / 2) & ~size_t{1}) - 2;
}

bool precedes(std::string_view key, std::string_view next, KeyOrder order) {
  if (order == KeyOrder::bytes) return key < next;
  return number_at<uint64_t>(key.data()) < number_at<uint64_t>(next.data());
}

bool is_possible(std::string_view key, KeyOrder order) {
  return order == KeyOrder::integer ? key.size() == sizeof(uint64_t)
                                    : !key.empty() && key.size() <= kMaxKeyBytes;
}

}  // namespace

std::optional<Head> parsed_head(std::string_view page, PageNumber number) {
  if (page.size() < kHeadBytes) return std::nullopt;
  const auto flags = number_at<uint16_t>(page.data() + 10);
  if (number_at<PageNumber>(page.data()) != number || flags != kMeta) return std::nullopt;
  Head head;
  std::memcpy(&head, page.data() + kPageHeaderBytes, sizeof(head));
  if (head.magic != kMagic || head.version != kDataVersion) return std::nullopt;
  if (!std::has_single_bit(head.page_size()) || head.page_size() < kMinPageSize ||
      head.page_size() > kMaxPageSize) {
    return std::nullopt;
  }
  return head;
}

std::expected<Page, PageFault> Page::open(const Pages& pages, PageNumber number, bool leaf) {
  Page page;
  page.number_ = number;
  if (number < kFirstPage || number >= pages.count) return page.fault("is not in the file");
  page.bytes_ = pages.at(number);
  page.page_size_ = static_cast<uint32_t>(pages.page_size);
  page.leaf_ = leaf;
  if (number_at<PageNumber>(page.bytes_) != number) return page.fault("is another page");
  if (number_at<uint16_t>(page.bytes_ + 10) != (leaf ? kLeaf : kBranch)) {
    return page.fault(leaf ? "is not a leaf" : "is not a branch");
  }
  const auto lower = number_at<uint16_t>(page.bytes_ + 12);
  page.upper_ = number_at<uint16_t>(page.bytes_ + 14);
  if (lower <= kPageHeaderBytes || lower % 2 != 0 || lower > page.upper_ ||
      page.upper_ > pages.page_size || page.upper_ % 2 != 0) {
    return page.fault("has impossible bounds");
  }
  page.size_ = static_cast<uint16_t>((lower - kPageHeaderBytes) / 2);
  return page;
}

std::expected<void, PageFault> Page::verify(KeyOrder order) const {
  const size_t most = most_in_page(page_size_);
  size_t filled = 0;
  std::string_view before;
  for (size_t i = 0; i < size_; ++i) {
    const auto entry = entry_at(i);
    if (!entry || entry->offset < upper_ || entry->offset % 2 != 0) {
      return fault("has an entry outside its bounds");
    }
    size_t size = kEntryHeaderBytes + entry->key_size;
    if (leaf_) {
      const bool big = entry->flags == kBigValue;
      if (!big && entry->flags != 0 && entry->flags != kTree) return fault("has an unknown entry");
      size += big ? sizeof(PageNumber) : entry->low;
      if (size > most && !big) return fault("has an entry that is too large");
    }
    filled += even(size);
    if (filled > page_size_ - upper_ || even(size) > page_size_ - entry->offset) {
      return fault("has entries that overlap");
    }
    if (!leaf_ && i == 0) continue;  // its key has no meaning
    const std::string_view key(bytes_ + entry->offset + kEntryHeaderBytes, entry->key_size);
    if (!is_possible(key, order)) return fault("has an impossible key");
    if (!before.empty() && !precedes(before, key, order)) return fault("has keys out of order");
    before = key;
  }
  if (filled != page_size_ - upper_) return fault("has a gap between its entries");
  return {};
}

std::expected<Page::Value, PageFault> Page::value(const Pages& pages, size_t i) const {
  const auto entry = entry_at(i);
  if (!entry) return fault("has an entry outside its bounds");
  const char* const data = bytes_ + entry->offset + kEntryHeaderBytes + entry->key_size;
  const size_t room = static_cast<size_t>(bytes_ + page_size_ - data);
  if (entry->flags != kBigValue) {
    if (entry->low > room) return fault("has a value outside its bounds");
    return Value{.bytes = {data, entry->low}, .tree = entry->flags == kTree};
  }
  if (room < sizeof(PageNumber)) return fault("has a value outside its bounds");
  const auto first = number_at<PageNumber>(data);
  const uint64_t needed = (kPageHeaderBytes - 1 + uint64_t{entry->low}) / pages.page_size + 1;
  const auto overflow_fault = [first](std::string_view what) {
    return std::unexpected(PageFault{first, what});
  };
  if (first < kFirstPage || first >= pages.count) return overflow_fault("is not in the file");
  const char* const header = pages.at(first);
  if (number_at<PageNumber>(header) != first) return overflow_fault("is another page");
  if (number_at<uint16_t>(header + 10) != kOverflow) {
    return overflow_fault("is not the beginning of a large value");
  }
  const auto have = number_at<uint32_t>(header + 12);
  if (have < needed || have > pages.count - first) {
    return overflow_fault("says a wrong number of pages");
  }
  return Value{
      .bytes = {header + kPageHeaderBytes, entry->low}, .overflow = first, .overflow_pages = have};
}

}  // namespace sojourn::lmdb
