// A document is read into a tree of objects. Whatever is not an object (text, number, array, ...)
// is kept as the JSON text it was, since a merge patch only ever replaces it whole (RFC 7396
// section 2); so numbers are never converted, and come back as they were sent.
#include "domain/attributes.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "base/json_text.h"

namespace sojourn::domain {
namespace {

namespace json = boost::json;

struct Object;

// Either an object or the text of any other value.
struct Value {
  std::unique_ptr<Object> object;
  std::string text;

  bool is_null() const { return !object && text == "null"; }
};

struct Object {
  std::map<std::string, Value> members;
};

// Builds the tree from the parser's calls. Inside an array everything is text.
class TreeBuilder {
 public:
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);

  Value root;

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code&) {
    if (arrays_ > 0) {
      array_.open('{');
      ++arrays_;
    } else {
      Value& place = target();
      place.object = std::make_unique<Object>();
      open_.push_back(place.object.get());
    }
    return true;
  }
  bool on_object_end(size_t, json::error_code&) {
    if (arrays_ > 0) {
      array_.close('}');
      --arrays_;
    } else {
      open_.pop_back();
    }
    return true;
  }
  bool on_array_begin(json::error_code&) {
    array_.open('[');
    ++arrays_;
    return true;
  }
  bool on_array_end(size_t, json::error_code&) {
    array_.close(']');
    if (--arrays_ == 0) target().text = array_.take();
    return true;
  }

  bool on_key_part(json::string_view part, size_t, json::error_code&) { return gather(part); }
  bool on_key(json::string_view part, size_t, json::error_code&) {
    gather(part);
    if (arrays_ > 0) {
      array_.key(gathered_);
    } else {
      member_ = &open_.back()->members[gathered_];
    }
    gathered_.clear();
    return true;
  }
  bool on_string_part(json::string_view part, size_t, json::error_code&) { return gather(part); }
  bool on_string(json::string_view part, size_t, json::error_code&) {
    gather(part);
    if (arrays_ > 0) {
      array_.string(gathered_);
    } else {
      append_json_string(target().text, gathered_);
    }
    gathered_.clear();
    return true;
  }
  bool on_number_part(json::string_view part, json::error_code&) { return gather(part); }
  bool on_int64(int64_t, json::string_view part, json::error_code&) { return take_number(part); }
  bool on_uint64(uint64_t, json::string_view part, json::error_code&) { return take_number(part); }
  bool on_double(double, json::string_view part, json::error_code&) { return take_number(part); }
  bool on_bool(bool value, json::error_code&) { return take(value ? "true" : "false"); }
  bool on_null(json::error_code&) { return take("null"); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  Value& target() { return open_.empty() ? root : *member_; }
  bool gather(json::string_view part) {
    gathered_.append(part);
    return true;
  }
  bool take(std::string_view text) {
    if (arrays_ > 0) {
      array_.raw(text);
    } else {
      target().text = text;
    }
    return true;
  }
  bool take_number(json::string_view last_part) {
    gather(last_part);
    return take(std::exchange(gathered_, {}));
  }

  std::vector<Object*> open_;
  Value* member_ = nullptr;  // of the innermost open object, the one whose value comes next
  size_t arrays_ = 0;        // arrays that are open, and objects inside them
  JsonText array_;           // the outermost open array
  std::string gathered_;     // a key, string or number that comes in parts
};

Value parse(std::string_view text) {
  json::basic_parser<TreeBuilder> parser({.max_depth = 64});
  json::error_code ec;
  parser.write_some(false, text.data(), text.size(), ec);
  if (ec || !parser.handler().root.object) {
    return Value{.object = std::make_unique<Object>(), .text = {}};
  }
  return std::move(parser.handler().root);
}

// RFC 7396 section 2, MergePatch(Target, Patch).
void merge(Value& target, Value&& patch) {
  if (!patch.object) {
    target = std::move(patch);
    return;
  }
  if (!target.object) target = Value{.object = std::make_unique<Object>(), .text = {}};
  for (auto& [name, value] : patch.object->members) {
    if (value.is_null()) {
      target.object->members.erase(name);
    } else {
      merge(target.object->members[name], std::move(value));
    }
  }
}

void write(const Value& value, std::string& out) {
  if (!value.object) {
    out.append(value.text);
    return;
  }
  out.push_back('{');
  for (const auto& [name, member] : value.object->members) {
    if (out.back() != '{') out.push_back(',');
    append_json_string(out, name);
    out.push_back(':');
    write(member, out);
  }
  out.push_back('}');
}

}  // namespace

Result<std::string> merged_attributes(std::string_view current, std::string_view patch) {
  if (patch.empty()) return std::string(current);
  Value document = parse(current);
  merge(document, parse(patch));
  std::string text;
  write(document, text);
  if (text.size() > kMaxAttributesBytes) {
    return failure(
        ErrorKind::body_too_large,
        fmt::format("The attributes of a session may have up to {} bytes, and would have "
                    "{}; nothing was changed.",
                    kMaxAttributesBytes, text.size()));
  }
  return text == "{}" ? std::string() : text;
}

}  // namespace sojourn::domain
