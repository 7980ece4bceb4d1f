#include "head_scan.h"

#include <cstdint>
#include <cstring>

namespace sojourn::http {
namespace {

// The place of the first byte below 0x20 at or after `from`, or the size of `bytes`. Eight bytes at
// a time: subtracting 0x20 from each byte borrows into its highest bit exactly when the byte was
// smaller (and did not have that bit itself). A borrow can also mark a byte above a smaller one, so
// a marked word is looked at byte by byte.
size_t find_control(std::string_view bytes, size_t from) {
  constexpr uint64_t kEach = 0x0101010101010101;
  size_t i = from;
  for (; i + sizeof(uint64_t) <= bytes.size(); i += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    if (((word - kEach * 0x20) & ~word & kEach * 0x80) != 0) break;
  }
  while (i < bytes.size() && static_cast<uint8_t>(bytes[i]) >= 0x20) ++i;
  return i;
}

}  // namespace

HeadScan::Result HeadScan::scan(std::string_view bytes) {
  for (;;) {
    at_ = find_control(bytes, at_);
    if (at_ == bytes.size()) return Result::incomplete;
    const char c = bytes[at_];
    if (c == '\t') {
      ++at_;
      continue;
    }
    if (c == '\n') return refuse("A line of the request ends with LF alone; end it with CR LF.");
    if (c != '\r') return refuse("The request head holds a control byte; send text only.");

    // What follows a CR decides; until it is here, the CR is looked at again.
    const std::string_view after = bytes.substr(at_ + 1);
    if (after.empty()) return Result::incomplete;
    if (after[0] != '\n') {
      return refuse("The request head holds a CR without LF; end each line with CR LF.");
    }
    if (after.size() == 1) return Result::incomplete;
    if (after[1] == ' ' || after[1] == '\t') {
      return refuse("A header line is folded; send each header field on one line.");
    }
    if (after[1] == '\r') {
      if (after.size() == 2) return Result::incomplete;
      if (after[2] != '\n') {
        return refuse("The request head holds a CR without LF; end each line with CR LF.");
      }
      at_ += 4;
      return Result::complete;
    }
    at_ += 2;
  }
}

HeadScan::Result HeadScan::refuse(std::string_view reason) {
  reason_ = reason;
  return Result::refused;
}

}  // namespace sojourn::http
