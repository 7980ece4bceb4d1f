#include "export_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <charconv>
#include <chrono>

#include "base/json_text.h"
#include "base/text.h"
#include "domain/attributes.h"

namespace sojourn::app {
namespace {

namespace json = boost::json;

constexpr std::string_view kFormat = "sojourn-export";

std::string text_of(Time time) {
  std::string text;
  append_rfc3339(text, time);
  return text;
}

std::string hex_of(const std::array<uint8_t, 16>& bytes) {
  return fmt::format("{:02x}", fmt::join(bytes, ""));
}

// Writes the members of one object; empty text is null.
class Members {
 public:
  explicit Members(std::string_view name) {
    out_.open('{');
    out_.key(name);
    out_.open('{');
  }
  void text(std::string_view name, std::string_view value) {
    out_.key(name);
    out_.string(value);
  }
  void text_or_null(std::string_view name, std::string_view value) {
    if (!value.empty()) return text(name, value);
    out_.key(name);
    out_.raw("null");
  }
  void number(std::string_view name, uint64_t value) {
    out_.key(name);
    out_.raw(std::to_string(value));
  }
  std::string end() {
    out_.close('}');
    out_.close('}');
    return out_.take();
  }

 private:
  JsonText out_;
};

std::string written(const ExportHead& head) {
  JsonText out;
  out.open('{');
  out.key("format");
  out.string(kFormat);
  out.key("version");
  out.raw(std::to_string(head.version));
  out.key("exportedAt");
  out.string(text_of(head.exported_at));
  out.close('}');
  return out.take();
}

std::string written(const domain::Session& session) {
  Members out("session");
  out.text("tenantId", session.tenant.text());
  out.text("sessionId", session.id.text());
  out.text_or_null("agentId", session.identity.agent_id);
  out.text_or_null("customerId", session.identity.customer_id);
  out.text_or_null("visitId", session.identity.visit_id);
  out.text_or_null("globalVisitId", session.identity.global_visit_id);
  out.text("createdAt", text_of(session.created_at));
  out.text("lastAccessedAt", text_of(session.last_accessed_at));
  out.text("expiresAt", text_of(session.expires_at));
  out.number("version", session.version);
  out.text_or_null("attributes", session.attributes);
  return out.end();
}

std::string written(const store::Snapshot::Key& key) {
  Members out("idempotencyKey");
  out.text("tenantId", key.tenant.text());
  out.text("key", key.key);
  out.text("fingerprint", hex_of(key.entry.fingerprint));
  out.text("sessionId", key.entry.session.text());
  out.text("keepUntil", text_of(key.entry.keep_until));
  return out.end();
}

std::string written(const ExportEnd& end) {
  Members out("end");
  out.number("sessions", end.sessions);
  out.number("idempotencyKeys", end.idempotency_keys);
  return out.end();
}

// "2026-11-23T09:30:00.125Z", and only so.
std::optional<Time> time_of(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00.000Z";
  if (text.size() != kShape.size()) return std::nullopt;
  for (size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == '0' ? !digit : text[i] != kShape[i]) return std::nullopt;
  }
  const auto number = [&](size_t begin, size_t size) {
    int value = 0;
    std::from_chars(text.data() + begin, text.data() + begin + size, value);
    return value;
  };
  const std::chrono::year_month_day day(std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2))));
  if (!day.ok() || number(11, 2) > 23 || number(14, 2) > 59 || number(17, 2) > 59) {
    return std::nullopt;
  }
  return std::chrono::sys_days(day) + std::chrono::hours(number(11, 2)) +
         std::chrono::minutes(number(14, 2)) + std::chrono::seconds(number(17, 2)) +
         std::chrono::milliseconds(number(20, 3));
}

// Takes members out of an object, and remembers the first that is not what it should be.
class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  std::string text(std::string_view name, size_t most) {
    const auto* value = take(name);
    if (value && value->is_string() && value->get_string().size() <= most &&
        !value->get_string().empty()) {
      return std::string(value->get_string());
    }
    return wrong<std::string>(name, fmt::format("a text of 1 to {} bytes", most));
  }
  std::string text_or_null(std::string_view name, size_t most) {
    const auto found = object_.find(name);
    if (found == object_.end() || !found->value().is_null()) return text(name, most);
    ++taken_;
    return {};
  }
  uint64_t number(std::string_view name, uint64_t least) {
    const auto* value = take(name);
    if (value && value->is_int64() && value->get_int64() >= 0 &&
        static_cast<uint64_t>(value->get_int64()) >= least) {
      return static_cast<uint64_t>(value->get_int64());
    }
    return wrong<uint64_t>(name, fmt::format("a whole number from {}", least));
  }
  Time time(std::string_view name) {
    const auto time = time_of(text(name, 24));
    return time ? *time : wrong<Time>(name, "a time as 2026-11-23T09:30:00.125Z");
  }
  domain::SessionId id(std::string_view name) {
    const auto id = domain::SessionId::parse(text(name, domain::SessionId::kTextLength));
    return id ? *id : wrong<domain::SessionId>(name, "a session id");
  }
  domain::TenantId tenant() {
    auto tenant = domain::TenantId::parse(text("tenantId", domain::TenantId::kMaxBytes));
    if (tenant) return *std::move(tenant);
    wrong<int>("tenantId", "1 to 128 bytes without control characters");
    return *domain::TenantId::parse("-");
  }
  // The first complaint; empty: all members were taken, and fine.
  std::string complaint() const {
    if (complaint_.empty() && taken_ != object_.size()) return "there is an unknown member";
    return complaint_;
  }
  template <class T>
  T wrong(std::string_view name, const std::string& wanted) {
    if (complaint_.empty()) complaint_ = fmt::format("\"{}\": {} is wanted", name, wanted);
    return T{};
  }

 private:
  const json::value* take(std::string_view name) {
    const auto found = object_.find(name);
    if (found == object_.end()) return nullptr;
    ++taken_;
    return &found->value();
  }

  const json::object& object_;
  size_t taken_ = 0;
  std::string complaint_;
};

std::string attributes_of(Reader& in) {
  const std::string text = in.text_or_null("attributes", domain::kMaxAttributesBytes);
  if (text.empty()) return text;
  json::error_code error;
  const json::value parsed = json::parse(text, error);
  const auto merged = !error && parsed.is_object() ? domain::merged_attributes("", text)
                                                   : failure(ErrorKind::invalid_body, "");
  if (merged) return *merged;
  return in.wrong<std::string>("attributes", "the text of a JSON object, or null");
}

ExportLine session_of(Reader& in) {
  constexpr size_t kMost = domain::Identity::kMaxBytes;
  return domain::Session{.id = in.id("sessionId"),
                         .tenant = in.tenant(),
                         .identity = {.agent_id = in.text_or_null("agentId", kMost),
                                      .customer_id = in.text_or_null("customerId", kMost),
                                      .visit_id = in.text_or_null("visitId", kMost),
                                      .global_visit_id = in.text_or_null("globalVisitId", kMost)},
                         .created_at = in.time("createdAt"),
                         .last_accessed_at = in.time("lastAccessedAt"),
                         .expires_at = in.time("expiresAt"),
                         .version = in.number("version", 1),
                         .attributes = attributes_of(in)};
}

ExportLine key_of(Reader& in) {
  store::Snapshot::Key key{
      .tenant = in.tenant(),
      .key = in.text("key", domain::kMaxFiledKeyBytes),
      .entry = {
          .fingerprint = {}, .session = in.id("sessionId"), .keep_until = in.time("keepUntil")}};
  if (!domain::is_filed_key(key.key)) {
    in.wrong<int>("key", "visible ASCII, or the name of an API key, a space and visible ASCII");
  }
  const std::string hex = in.text("fingerprint", 32);
  for (size_t i = 0; i < key.entry.fingerprint.size() && hex.size() == 32; ++i) {
    std::from_chars(hex.data() + 2 * i, hex.data() + 2 * i + 2, key.entry.fingerprint[i], 16);
  }
  if (hex_of(key.entry.fingerprint) != hex) in.wrong<int>("fingerprint", "32 hexadecimal digits");
  return key;
}

ExportLine end_of(Reader& in) {
  return ExportEnd{.sessions = in.number("sessions", 0),
                   .idempotency_keys = in.number("idempotencyKeys", 0)};
}

ExportLine head_of(Reader& in) {
  if (in.text("format", 64) != kFormat) in.wrong<int>("format", "\"sojourn-export\"");
  return ExportHead{.version = static_cast<int64_t>(in.number("version", 1)),
                    .exported_at = in.time("exportedAt")};
}

}  // namespace

std::string export_line(const ExportLine& line) {
  return std::visit([](const auto& of) { return written(of); }, line);
}

std::expected<ExportLine, std::string> parsed_export_line(std::string_view line) {
  json::error_code error;
  const json::value value = json::parse(line, error);
  if (error || !value.is_object()) return std::unexpected("it is not a JSON object");
  const json::object& object = value.get_object();
  const auto read = [](const json::object& from, ExportLine (*reading)(Reader&)) {
    Reader in(from);
    ExportLine parsed = reading(in);
    std::string complaint = in.complaint();
    return complaint.empty() ? std::expected<ExportLine, std::string>(std::move(parsed))
                             : std::unexpected(std::move(complaint));
  };
  if (object.contains("format")) return read(object, head_of);
  if (object.size() == 1 && object.begin()->value().is_object()) {
    const json::object& inner = object.begin()->value().get_object();
    if (object.begin()->key() == "session") return read(inner, session_of);
    if (object.begin()->key() == "idempotencyKey") return read(inner, key_of);
    if (object.begin()->key() == "end") return read(inner, end_of);
  }
  return std::unexpected("\"session\", \"idempotencyKey\" or \"end\" with an object is wanted");
}

}  // namespace sojourn::app
