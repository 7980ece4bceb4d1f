#include "session_info.h"

#include <array>
#include <charconv>

#include "api/error_table.h"
#include "base/text.h"

namespace sojourn::api {
namespace {

void append_text_or_null(std::string& out, std::string_view name, const std::string& text) {
  out.append(name);
  if (text.empty()) {
    out.append("null");
  } else {
    append_json_string(out, text);
  }
}

void append_time(std::string& out, std::string_view name, Time time) {
  out.append(name).push_back('"');
  append_rfc3339(out, time);
  out.push_back('"');
}

// fmt would cost as much as all three times.
void append_number(std::string& out, std::string_view name, uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.begin(), digits.end(), number).ptr;
  out.append(name).append(digits.begin(), end);
}

}  // namespace

void append_session_info(std::string& out, const domain::Session& session, bool is_new) {
  const domain::Identity& identity = session.identity;
  out.append(R"({"sessionId":")");
  session.id.append_to(out);
  out.append(R"(","tenantId":)");
  append_json_string(out, session.tenant.text());
  append_text_or_null(out, R"(,"agentId":)", identity.agent_id);
  append_text_or_null(out, R"(,"customerId":)", identity.customer_id);
  append_text_or_null(out, R"(,"visitId":)", identity.visit_id);
  append_text_or_null(out, R"(,"globalVisitId":)", identity.global_visit_id);
  out.append(identity.anonymous() ? R"(,"anonymous":true)" : R"(,"anonymous":false)");
  out.append(is_new ? R"(,"isNew":true)" : R"(,"isNew":false)");
  append_time(out, R"(,"createdAt":)", session.created_at);
  append_time(out, R"(,"lastAccessedAt":)", session.last_accessed_at);
  append_time(out, R"(,"expiresAt":)", session.expires_at);
  append_number(out, R"(,"version":)", session.version);
  out.append(R"(,"attributes":)");
  out.append(session.attributes.empty() ? "{}" : session.attributes);
  out.push_back('}');
}

void write_answer(const ApiOptions& options, const Result<sessions::Answer>& answer,
                  http::Response& response) {
  if (!answer) return write_error(answer.error(), response);
  response.add_field("ETag", '"' + std::to_string(answer->session.version) + '"');
  std::string& out = response.body;
  out.append(R"({"statusCode":200,"response":)");
  append_session_info(out, answer->session, answer->is_new);
  if (options.mirror_session_id) {
    out.append(R"(,"sessionId":")");
    answer->session.id.append_to(out);
    out.push_back('"');
  }
  out.push_back('}');
}

}  // namespace sojourn::api
