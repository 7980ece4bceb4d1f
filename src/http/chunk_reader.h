// A body in chunks (RFC 9112 section 7.1), taken apart as its bytes arrive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sojourn::http {

// A state machine without I/O: the answer depends on the bytes only, not on how they were split.
// Extensions and trailer fields are read over and dropped. Refused as bad_request: a size that is
// not hexadecimal or too long, bare CR or LF and control bytes anywhere outside the data, anything
// between size and CRLF but an extension, trailer lines that are no fields, and extensions or
// trailers beyond their limits. A body beyond its limit is body_too_large, known from the chunk's
// size before its data arrives.
class ChunkReader {
 public:
  // All extensions of one body together: nobody uses them, and they are how a body of few bytes
  // could cost many.
  static constexpr size_t kMaxExtensionBytes = 4096;

  enum class Result { needs_more, whole, refused };

  void start(size_t max_body_bytes, size_t max_trailer_bytes);

  // Takes bytes off the front of `input` and appends data to `body`. When whole, what is left of
  // `input` belongs to the next request.
  Result read(std::string_view& input, std::string& body);

  // Of a refused body.
  const Error& error() const { return error_; }

 private:
  enum class State {
    first_digit,  // of a chunk's size
    size,
    space_before_extension,  // BWS, which only an extension may follow
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_line,  // at the start of a line
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    whole,
    refused,
  };

  void step(char c);
  void size_digit(char c);
  void after_size(char c);
  void count_extension_byte();
  void refuse(std::string_view detail);

  State state_ = State::whole;
  uint64_t left_ = 0;  // of the chunk's size as read so far, then of its data
  size_t digits_ = 0;
  size_t body_left_ = 0;
  size_t extension_left_ = 0;
  size_t trailer_left_ = 0;
  Error error_{};
};

}  // namespace sojourn::http
