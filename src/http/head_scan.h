// Finds the end of a request's head (request line and fields) before anything in it is parsed.
#pragma once

#include <cstddef>
#include <string_view>

namespace sojourn::http {

// Looks at every byte once, however the head arrives in pieces. What would let two readers disagree
// about where a line ends is refused here, so that the parser after it never sees it: bare CR, bare
// LF, other control bytes (but HTAB), and lines that continue the line before (obs-fold).
class HeadScan {
 public:
  enum class Result { incomplete, complete, refused };

  // `bytes` is the head from its first byte, each time longer than the time before.
  Result scan(std::string_view bytes);

  // Of a complete head: its length, the empty line included.
  size_t length() const { return at_; }
  // Of a refused head: why, one sentence of static storage.
  std::string_view reason() const { return reason_; }

  void reset() { *this = HeadScan(); }

 private:
  Result refuse(std::string_view reason);

  size_t at_ = 0;  // everything before it is fine
  std::string_view reason_;
};

}  // namespace sojourn::http
