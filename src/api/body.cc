#include "body.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <unordered_set>
#include <vector>

#include "base/json_text.h"
#include "base/text.h"

namespace sojourn::api {
namespace {

namespace json = boost::json;

constexpr size_t kMaxDepth = 32;

std::unexpected<Error> invalid(std::string detail) {
  return failure(ErrorKind::invalid_body, std::move(detail));
}

// What the parser tells us of, in the order of the text. Keeps the members that matter, and the
// names seen in each object that is open, to find names given twice.
class Handler {
 public:
  static constexpr size_t max_object_size = static_cast<size_t>(-1);
  static constexpr size_t max_array_size = static_cast<size_t>(-1);
  static constexpr size_t max_key_size = static_cast<size_t>(-1);
  static constexpr size_t max_string_size = static_cast<size_t>(-1);

  std::string complaint;  // what is wrong beyond JSON's grammar

  domain::Update take() {
    update_.attributes = attributes_.take();
    return std::move(update_);
  }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }

  bool on_object_begin(json::error_code& ec) {
    if (!begins(ec, "an object")) return false;
    ++depth_;
    names_.emplace_back();
    if (in_attributes()) attributes_.open('{');
    return true;
  }
  bool on_object_end(size_t, json::error_code&) {
    if (in_attributes()) attributes_.close('}');
    names_.pop_back();
    --depth_;
    return true;
  }
  bool on_array_begin(json::error_code& ec) {
    if (!begins(ec, "an array")) return false;
    ++depth_;
    if (in_attributes()) attributes_.open('[');
    return true;
  }
  bool on_array_end(size_t, json::error_code&) {
    if (in_attributes()) attributes_.close(']');
    --depth_;
    return true;
  }

  bool on_key_part(json::string_view part, size_t, json::error_code&) { return gather(part); }
  bool on_key(json::string_view part, size_t, json::error_code& ec) {
    gather(part);
    if (!names_.back().insert(gathered_).second) {
      return complain(
          ec, fmt::format("The member \"{}\" is given twice; give it once.", shortened(gathered_)));
    }
    if (depth_ == 1) {
      member_ = gathered_ == "agentId"         ? Member::agent_id
                : gathered_ == "customerId"    ? Member::customer_id
                : gathered_ == "visitId"       ? Member::visit_id
                : gathered_ == "globalVisitId" ? Member::global_visit_id
                : gathered_ == "attributes"    ? Member::attributes
                                               : Member::other;
    } else if (in_attributes()) {
      attributes_.key(gathered_);
    }
    gathered_.clear();
    return true;
  }

  bool on_string_part(json::string_view part, size_t, json::error_code&) { return gather(part); }
  bool on_string(json::string_view part, size_t, json::error_code& ec) {
    if (!begins(ec, "a string")) return false;
    gather(part);
    if (in_attributes()) attributes_.string(gathered_);
    if (depth_ == 1 && member_ != Member::other) {
      const std::string_view value = trimmed(gathered_);
      if (value.size() > domain::Identity::kMaxBytes) {
        return complain(ec, fmt::format("The member \"{}\" may have up to {} bytes, and has {}.",
                                        name(), domain::Identity::kMaxBytes, value.size()));
      }
      if (!domain::is_identity_value(value)) {
        return complain(
            ec, fmt::format("The member \"{}\" has a control character; send text only.", name()));
      }
      identity_member() = value;
    }
    gathered_.clear();
    return true;
  }

  bool on_number_part(json::string_view part, json::error_code&) { return gather(part); }
  bool on_int64(int64_t, json::string_view part, json::error_code& ec) { return number(ec, part); }
  bool on_uint64(uint64_t, json::string_view part, json::error_code& ec) {
    return number(ec, part);
  }
  bool on_double(double, json::string_view part, json::error_code& ec) { return number(ec, part); }
  bool on_bool(bool value, json::error_code& ec) {
    return plain(ec, "a boolean", value ? "true" : "false");
  }
  bool on_null(json::error_code& ec) { return plain(ec, "null", "null"); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  enum class Member { other, agent_id, customer_id, visit_id, global_visit_id, attributes };

  // A value begins: is it what its place wants?
  bool begins(json::error_code& ec, std::string_view what) {
    if (depth_ == 0 && what != "an object") {
      return complain(ec, fmt::format("The body must be one JSON object, and is {}.", what));
    }
    if (depth_ != 1 || member_ == Member::other || what == "null") return true;
    const std::string_view wanted = member_ == Member::attributes ? "an object" : "a string";
    if (what == wanted) return true;
    return complain(
        ec, fmt::format("The member \"{}\" must be {} or null, and is {}.", name(), wanted, what));
  }
  bool plain(json::error_code& ec, std::string_view what, std::string_view text) {
    if (!begins(ec, what)) return false;
    if (in_attributes()) attributes_.raw(text);
    return true;
  }
  bool number(json::error_code& ec, json::string_view last_part) {
    gather(last_part);
    const bool fine = plain(ec, "a number", gathered_);
    gathered_.clear();
    return fine;
  }
  bool gather(json::string_view part) {
    gathered_.append(part);
    return true;
  }
  // Inside the object that `attributes` is; between its begin and end.
  bool in_attributes() const { return depth_ >= 2 && member_ == Member::attributes; }

  std::string_view name() const {
    return member_ == Member::agent_id          ? "agentId"
           : member_ == Member::customer_id     ? "customerId"
           : member_ == Member::visit_id        ? "visitId"
           : member_ == Member::global_visit_id ? "globalVisitId"
                                                : "attributes";
  }
  // Of the member that is being read, which is one of the four.
  std::string& identity_member() {
    domain::Identity& identity = update_.identity;
    return member_ == Member::agent_id      ? identity.agent_id
           : member_ == Member::customer_id ? identity.customer_id
           : member_ == Member::visit_id    ? identity.visit_id
                                            : identity.global_visit_id;
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

  domain::Update update_;
  JsonText attributes_;            // the object that `attributes` is, as it goes by
  size_t depth_ = 0;               // objects and arrays that are open
  Member member_ = Member::other;  // at depth 1, that is being read
  std::string gathered_;           // a key, string or number that comes in parts
  std::vector<std::unordered_set<std::string>> names_;
};

}  // namespace

Result<domain::Update> parse_body(std::string_view body) {
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
  return handler.take();
}

}  // namespace sojourn::api
