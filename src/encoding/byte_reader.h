// Texts with their length in front, in and out of bytes.
#pragma once

#include <cassert>
#include <concepts>
#include <limits>
#include <string>
#include <string_view>

#include "encoding/bytes.h"

namespace sojourn::encoding {

template <std::unsigned_integral Length>
void append_text(std::string& out, std::string_view text) {
  assert(text.size() <= std::numeric_limits<Length>::max());
  append_number(out, static_cast<Length>(text.size()));
  out.append(text);
}

// Takes values off the front of bytes. Once they do not suffice, failed() stays true and every
// value is empty.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(size_t size) {
    if (failed_ || size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  template <std::unsigned_integral N>
  N number() {
    const std::string_view bytes = take(sizeof(N));
    return failed_ ? N{0} : number_at<N>(bytes.data());
  }

  template <std::unsigned_integral Length>
  std::string_view text() {
    return take(number<Length>());
  }

  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace sojourn::encoding
