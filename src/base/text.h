// Small helpers on text that more than one floor needs. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace sojourn {

// True when `text` is well-formed UTF-8 (RFC 3629: no overlong forms, surrogates or code points
// above U+10FFFF).
bool is_utf8(std::string_view text);

// True when `text` holds a C0 control character (U+0000 to U+001F), DEL, or, as UTF-8, a C1 control
// character (U+0080 to U+009F).
bool has_control_characters(std::string_view text);

// Comparison of ASCII text without regard to case.
bool equals_ignoring_case(std::string_view a, std::string_view b);

// `text` without spaces and tabs at both ends.
inline std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// The value of a hexadecimal digit; -1 when it is none.
inline int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Undoes RFC 3986 percent-encoding. Nothing when a '%' is not followed by two hexadecimal digits.
// A '+' stays a '+': it means a space only in forms, not in RFC 3986.
std::optional<std::string> percent_decoded(std::string_view text);

// Undoes the encoding of forms, and so of queries: as percent_decoded, and a '+' is a space.
std::optional<std::string> form_decoded(std::string_view text);

// Appends `text` with everything percent-encoded but RFC 3986's unreserved characters.
void append_percent_encoded(std::string& out, std::string_view text);

// Appends RFC 3339 in UTC with milliseconds, always 24 characters for the years 0000 to 9999:
// "2026-11-23T09:30:00.125Z".
void append_rfc3339(std::string& out, Time time);

// Appends `text`, which must be UTF-8, as a JSON string with its quotes (RFC 8259 section 7).
void append_json_string(std::string& out, std::string_view text);

}  // namespace sojourn
