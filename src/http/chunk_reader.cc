#include "chunk_reader.h"

#include <algorithm>

#include "base/text.h"
#include "token.h"

namespace sojourn::http {
namespace {

constexpr size_t kMaxSizeDigits = 16;  // 64 bits; leading zeros count

bool is_control(char c) { return (static_cast<uint8_t>(c) < 0x20 && c != '\t') || c == 0x7F; }

}  // namespace

void ChunkReader::start(size_t max_body_bytes, size_t max_trailer_bytes) {
  state_ = State::first_digit;
  body_left_ = max_body_bytes;
  extension_left_ = kMaxExtensionBytes;
  trailer_left_ = max_trailer_bytes;
}

ChunkReader::Result ChunkReader::read(std::string_view& input, std::string& body) {
  while (!input.empty() && state_ != State::whole && state_ != State::refused) {
    if (state_ == State::data) {
      const size_t taken = static_cast<size_t>(std::min<uint64_t>(left_, input.size()));
      body.append(input.substr(0, taken));
      input.remove_prefix(taken);
      left_ -= taken;
      if (left_ == 0) state_ = State::data_cr;
    } else {
      step(input.front());
      input.remove_prefix(1);
    }
  }
  if (state_ == State::whole) return Result::whole;
  if (state_ == State::refused) return Result::refused;
  return Result::needs_more;
}

void ChunkReader::step(char c) {
  switch (state_) {
    case State::first_digit:
      left_ = 0;
      digits_ = 0;
      if (hex_digit(c) < 0) return refuse("A chunk does not begin with its size in hexadecimal.");
      state_ = State::size;
      return size_digit(c);
    case State::size:
      return hex_digit(c) >= 0 ? size_digit(c) : after_size(c);
    case State::space_before_extension:
      if (c != ' ' && c != '\t' && c != ';') {
        return refuse("A chunk size is followed by something that is no extension.");
      }
      if (c == ';') state_ = State::extension;
      return count_extension_byte();
    case State::extension:
      if (c == '\r') {
        state_ = State::size_lf;
        return;
      }
      if (is_control(c)) return refuse("A chunk extension holds a control byte.");
      return count_extension_byte();
    case State::size_lf:
      if (c != '\n') return refuse("The line of a chunk size does not end with CR LF.");
      state_ = left_ == 0 ? State::trailer_line : State::data;
      return;
    case State::data_cr:
      if (c != '\r') return refuse("A chunk's data is longer than its size.");
      state_ = State::data_lf;
      return;
    case State::data_lf:
      if (c != '\n') return refuse("A chunk's data does not end with CR LF.");
      state_ = State::first_digit;
      return;
    case State::trailer_line:
      if (c == '\r') {
        state_ = State::end_lf;
        return;
      }
      if (!is_token_byte(c)) return refuse("A trailer line is no header field.");
      state_ = State::trailer_name;
      break;
    case State::trailer_name:
      if (c == ':') {
        state_ = State::trailer_value;
      } else if (!is_token_byte(c)) {
        return refuse("A trailer line is no header field.");
      }
      break;
    case State::trailer_value:
      if (c == '\r') {
        state_ = State::trailer_lf;
      } else if (is_control(c)) {
        return refuse("A trailer field holds a control byte.");
      }
      break;
    case State::trailer_lf:
      if (c != '\n') return refuse("A trailer line does not end with CR LF.");
      state_ = State::trailer_line;
      break;
    case State::end_lf:
      if (c != '\n') return refuse("The last line of the chunked body does not end with CR LF.");
      state_ = State::whole;
      return;
    case State::data:
    case State::whole:
    case State::refused:
      return;
  }
  // A byte of a trailer.
  if (trailer_left_ == 0) return refuse("The trailer of the chunked body is too long.");
  --trailer_left_;
}

void ChunkReader::size_digit(char c) {
  if (++digits_ > kMaxSizeDigits) return refuse("A chunk size is too long.");
  left_ = left_ * 16 + static_cast<uint64_t>(hex_digit(c));
}

void ChunkReader::after_size(char c) {
  if (left_ > body_left_) {
    error_ = {ErrorKind::body_too_large, "The request body is too large; send less."};
    state_ = State::refused;
    return;
  }
  body_left_ -= static_cast<size_t>(left_);
  switch (c) {
    case '\r':
      state_ = State::size_lf;
      return;
    case ';':
      state_ = State::extension;
      return count_extension_byte();
    case ' ':
    case '\t':
      state_ = State::space_before_extension;
      return count_extension_byte();
    default:
      return refuse("A chunk size is not hexadecimal.");
  }
}

void ChunkReader::count_extension_byte() {
  if (extension_left_ == 0) return refuse("The chunk extensions are too long; send none.");
  --extension_left_;
}

void ChunkReader::refuse(std::string_view detail) {
  error_ = {ErrorKind::bad_request, std::string(detail)};
  state_ = State::refused;
}

}  // namespace sojourn::http
