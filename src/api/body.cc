#include "body.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <unordered_set>
#include <vector>

namespace sojourn::api {
namespace {

namespace json = boost::json;

constexpr size_t kMaxDepth = 32;

std::unexpected<Error> invalid(std::string detail) {
  return failure(ErrorKind::invalid_body, std::move(detail));
}

// What the parser tells us of, in the order of the text. Keeps the two members that matter, and the
// names seen in each object that is open, to find names given twice.
class Handler {
 public:
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);

  domain::Identity identity;
  std::string complaint;  // what is wrong beyond JSON's grammar

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code& ec) {
    if (!accept(ec, "an object")) return false;
    names_.emplace_back();
    open();
    return true;
  }
  bool on_object_end(size_t, json::error_code&) {
    names_.pop_back();
    close();
    return true;
  }
  bool on_array_begin(json::error_code& ec) {
    if (!accept(ec, "an array")) return false;
    open();
    return true;
  }
  bool on_array_end(size_t, json::error_code&) {
    close();
    return true;
  }

  bool on_key_part(json::string_view part, size_t, json::error_code&) {
    text_.append(part);
    return true;
  }
  bool on_key(json::string_view part, size_t, json::error_code& ec) {
    text_.append(part);
    if (!names_.back().insert(text_).second) {
      return complain(
          ec, fmt::format("The member \"{}\" is given twice; give it once.", shortened(text_)));
    }
    member_ = nullptr;
    if (depth_ == 1) {
      name_ = text_;
      if (name_ == "visitId") member_ = &identity.visit_id;
      if (name_ == "globalVisitId") member_ = &identity.global_visit_id;
    }
    text_.clear();
    return true;
  }

  bool on_string_part(json::string_view part, size_t, json::error_code& ec) {
    if (depth_ == 0) return accept(ec, "a string");
    if (depth_ == 1 && member_) text_.append(part);
    return true;
  }
  bool on_string(json::string_view part, size_t, json::error_code& ec) {
    if (depth_ == 0) return accept(ec, "a string");
    if (depth_ == 1 && member_) {
      text_.append(part);
      if (text_.size() > domain::Identity::kMaxBytes) {
        return complain(ec, fmt::format("The member \"{}\" may have up to {} bytes, and has {}.",
                                        name_, domain::Identity::kMaxBytes, text_.size()));
      }
      *member_ = std::exchange(text_, {});
      member_ = nullptr;
    }
    return true;
  }

  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(int64_t, json::string_view, json::error_code& ec) { return accept(ec, "a number"); }
  bool on_uint64(uint64_t, json::string_view, json::error_code& ec) {
    return accept(ec, "a number");
  }
  bool on_double(double, json::string_view, json::error_code& ec) { return accept(ec, "a number"); }
  bool on_bool(bool, json::error_code& ec) { return accept(ec, "a boolean"); }
  bool on_null(json::error_code& ec) {
    if (depth_ == 0) return accept(ec, "null");
    member_ = nullptr;
    return true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  // A value that is neither string nor null begins: wrong for a member that must be one, and at the
  // top everything but an object is.
  bool accept(json::error_code& ec, std::string_view what) {
    if (depth_ == 0 && what != "an object") {
      return complain(ec, fmt::format("The body must be one JSON object, and is {}.", what));
    }
    if (depth_ == 1 && member_) {
      return complain(
          ec, fmt::format("The member \"{}\" must be a string or null, and is {}.", name_, what));
    }
    return true;
  }
  bool complain(json::error_code& ec, std::string text) {
    complaint = std::move(text);
    ec = json::error::syntax;
    return false;
  }
  static std::string shortened(const std::string& name) {
    if (name.size() <= 64) return name;
    size_t end = 64;  // not in the middle of a UTF-8 sequence
    while ((static_cast<unsigned char>(name[end]) & 0xC0) == 0x80) --end;
    return name.substr(0, end) + "...";
  }
  void open() {
    ++depth_;
    member_ = nullptr;
  }
  void close() {
    --depth_;
    member_ = nullptr;
  }

  size_t depth_ = 0;
  std::string name_;               // of the member at depth 1 that is being read
  std::string* member_ = nullptr;  // where its value goes, if it is one of ours
  std::string text_;               // of a key or string that comes in parts
  std::vector<std::unordered_set<std::string>> names_;
};

}  // namespace

Result<domain::Identity> parse_body(std::string_view body) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::basic_parser<Handler> parser(options);
  json::error_code ec;
  const size_t read = parser.write_some(false, body.data(), body.size(), ec);
  Handler& handler = parser.handler();
  if (!handler.complaint.empty()) return invalid(std::move(handler.complaint));
  if (ec == json::error::too_deep) {
    return invalid(fmt::format("The body is nested deeper than {} at byte {}.", kMaxDepth, read));
  }
  if (ec == json::error::incomplete) {
    return invalid(fmt::format("The body ends at byte {} before its JSON object does.", read));
  }
  if (ec) {
    return invalid(fmt::format("The body is not JSON at byte {}: {}.", read, ec.message()));
  }
  if (read < body.size()) {
    return invalid(fmt::format("The body goes on after its JSON object at byte {}.", read));
  }
  return std::move(handler.identity);
}

}  // namespace sojourn::api
