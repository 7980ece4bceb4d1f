// A value that ends becomes text at once; the object or array around it keeps only that text. So a
// byte is copied once for each level that it is inside of, of which there are few.
#include "domain/canonical_json.h"

#include <boost/json/basic_parser_impl.hpp>
#include <map>
#include <utility>
#include <vector>

#include "base/text.h"

namespace sojourn::domain {
namespace {

namespace json = boost::json;

// An object or array that has not ended yet.
struct Open {
  bool is_object;
  std::string name;                            // of the member whose value comes next
  std::map<std::string, std::string> members;  // of an object
  std::string elements;                        // of an array, with commas between them
};

class Canonicalizer {
 public:
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);

  std::string text;  // of the whole, once it has ended

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code&) { return open(true); }
  bool on_object_end(size_t, json::error_code&) {
    std::string whole = "{";
    for (const auto& [name, value] : open_.back().members) {
      if (whole.size() > 1) whole.push_back(',');
      append_json_string(whole, name);
      whole.append(":").append(value);
    }
    whole.push_back('}');
    return close(std::move(whole));
  }
  bool on_array_begin(json::error_code&) { return open(false); }
  bool on_array_end(size_t, json::error_code&) { return close('[' + open_.back().elements + ']'); }

  bool on_key_part(json::string_view part, size_t, json::error_code&) { return gather(part); }
  bool on_key(json::string_view part, size_t, json::error_code&) {
    gather(part);
    open_.back().name = std::exchange(gathered_, {});
    return true;
  }
  bool on_string_part(json::string_view part, size_t, json::error_code&) { return gather(part); }
  bool on_string(json::string_view part, size_t, json::error_code&) {
    gather(part);
    std::string quoted;
    append_json_string(quoted, std::exchange(gathered_, {}));
    return add(std::move(quoted));
  }
  bool on_number_part(json::string_view part, json::error_code&) { return gather(part); }
  bool on_int64(int64_t, json::string_view part, json::error_code&) { return number(part); }
  bool on_uint64(uint64_t, json::string_view part, json::error_code&) { return number(part); }
  bool on_double(double, json::string_view part, json::error_code&) { return number(part); }
  bool on_bool(bool value, json::error_code&) { return add(value ? "true" : "false"); }
  bool on_null(json::error_code&) { return add("null"); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool open(bool is_object) {
    open_.push_back({.is_object = is_object, .name = {}, .members = {}, .elements = {}});
    return true;
  }
  bool close(std::string whole) {
    open_.pop_back();
    return add(std::move(whole));
  }
  bool number(json::string_view last_part) {
    gather(last_part);
    return add(std::exchange(gathered_, {}));
  }
  bool gather(json::string_view part) {
    gathered_.append(part);
    return true;
  }
  // A value is whole.
  bool add(std::string value) {
    if (open_.empty()) {
      text = std::move(value);
    } else if (open_.back().is_object) {
      open_.back().members[std::exchange(open_.back().name, {})] = std::move(value);
    } else {
      std::string& elements = open_.back().elements;
      if (!elements.empty()) elements.push_back(',');
      elements.append(value);
    }
    return true;
  }

  std::vector<Open> open_;  // the innermost last
  std::string gathered_;    // a key, string or number that comes in parts
};

}  // namespace

std::string canonical_json(std::string_view json_text) {
  json::basic_parser<Canonicalizer> parser({.max_depth = 64});
  json::error_code ec;
  const size_t read = parser.write_some(false, json_text.data(), json_text.size(), ec);
  if (ec || read != json_text.size()) return std::string(json_text);
  return std::move(parser.handler().text);
}

}  // namespace sojourn::domain
