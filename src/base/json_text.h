// Writes JSON without white space, piece by piece.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace sojourn {

// Whoever calls gives the pieces of valid JSON in their order; this puts the commas.
class JsonText {
 public:
  void open(char bracket) {  // '{' or '['
    separate();
    text_.push_back(bracket);
  }
  void close(char bracket) { text_.push_back(bracket); }
  void key(std::string_view name) {
    separate();
    append_json_string(text_, name);
    text_.push_back(':');
  }
  void string(std::string_view value) {
    separate();
    append_json_string(text_, value);
  }
  // A value that is JSON already: a number, true, an object.
  void raw(std::string_view json) {
    separate();
    text_.append(json);
  }

  const std::string& text() const { return text_; }
  std::string take() { return std::exchange(text_, {}); }

 private:
  void separate() {
    if (text_.empty()) return;
    const char last = text_.back();
    if (last != '[' && last != '{' && last != ':') text_.push_back(',');
  }

  std::string text_;
};

}  // namespace sojourn
