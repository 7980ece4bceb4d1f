// What a Redis server answers to one command.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sojourn::redis {

// One value of RESP2.
struct Reply {
  enum class Kind { nil, status, string, integer, array, error };

  Kind kind = Kind::nil;
  std::string text;     // of a status, a string (any bytes), an error ("NOSCRIPT No matching ...")
  int64_t integer = 0;  // of an integer
  std::vector<Reply> elements;  // of an array

  bool is_error() const { return kind == Kind::error; }
  // The word that an error begins with, by which programs tell errors apart: "NOSCRIPT". Empty when
  // this is no error.
  std::string_view error_code() const {
    return is_error() ? std::string_view(text).substr(0, text.find(' ')) : std::string_view();
  }

  friend bool operator==(const Reply&, const Reply&) = default;
};

}  // namespace sojourn::redis
