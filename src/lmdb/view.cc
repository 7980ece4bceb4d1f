#include "view.h"

#include <cstring>

#include "encoding/bytes.h"

namespace sojourn::lmdb {

std::expected<Tree, PageFault> View::tree(Table table) const {
  const auto number = static_cast<size_t>(table);
  if ((known_ & 1U << number) == 0) {
    const auto record = look_up(pages_, head_.main, name_of(table));
    if (!record) return std::unexpected(record.error());
    if (!*record || (*record)->size() != sizeof(Tree)) {
      return std::unexpected(PageFault{head_.main.root, "has no sound record of a table"});
    }
    std::memcpy(&trees_[number], (*record)->data(), sizeof(Tree));
    known_ |= 1U << number;
  }
  return trees_[number];
}

std::expected<std::optional<std::string_view>, PageFault> View::find(Table table,
                                                                     std::string_view key) const {
  const auto root = tree(table);
  if (!root) return std::unexpected(root.error());
  return look_up(pages_, *root, key);
}

uint64_t View::entries(Table table) const {
  const auto record = tree(table);
  return record ? record->entries : 0;
}

PageWalk View::walk(Table table) const {
  const auto root = tree(table);
  return root ? PageWalk(pages_, *root) : PageWalk(pages_, root.error());
}

std::optional<uint32_t> format_of(const View& view) {
  const auto format = view.find(Table::meta, kFormat);
  if (!format || !*format || (*format)->size() != sizeof(uint32_t)) return std::nullopt;
  return encoding::number_at<uint32_t>((*format)->data());
}

}  // namespace sojourn::lmdb
