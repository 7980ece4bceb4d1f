#include "encoding/session_body.h"

#include <algorithm>

#include "encoding/byte_reader.h"

namespace sojourn::encoding {

std::string encoded_body(const domain::Session& session) {
  const domain::Identity& identity = session.identity;
  std::string body;
  body.reserve(4 * 8 + 4 * 2 + 4 + identity.agent_id.size() + identity.customer_id.size() +
               identity.visit_id.size() + identity.global_visit_id.size() +
               session.attributes.size());
  append_number(body, bits_of(session.created_at));
  append_number(body, bits_of(session.last_accessed_at));
  append_number(body, bits_of(session.expires_at));
  append_number(body, session.version);
  append_text<uint16_t>(body, identity.agent_id);
  append_text<uint16_t>(body, identity.customer_id);
  append_text<uint16_t>(body, identity.visit_id);
  append_text<uint16_t>(body, identity.global_visit_id);
  append_text<uint32_t>(body, session.attributes);
  return body;
}

std::expected<domain::Session, RecordFault> decoded_body(std::string_view body,
                                                         const domain::TenantId& tenant,
                                                         const domain::SessionId& id) {
  ByteReader in(body);
  const Time created_at = time_of(in.number<uint64_t>());
  const Time last_accessed_at = time_of(in.number<uint64_t>());
  const Time expires_at = time_of(in.number<uint64_t>());
  const uint64_t version = in.number<uint64_t>();
  const std::string_view agent_id = in.text<uint16_t>();
  const std::string_view customer_id = in.text<uint16_t>();
  const std::string_view visit_id = in.text<uint16_t>();
  const std::string_view global_visit_id = in.text<uint16_t>();
  const std::string_view attributes = in.text<uint32_t>();
  const bool too_long = std::max({agent_id.size(), customer_id.size(), visit_id.size(),
                                  global_visit_id.size()}) > domain::Identity::kMaxBytes;
  if (in.failed() || !in.at_end() || too_long) return std::unexpected(RecordFault::damaged);
  return domain::Session{.id = id,
                         .tenant = tenant,
                         .identity = {.agent_id = std::string(agent_id),
                                      .customer_id = std::string(customer_id),
                                      .visit_id = std::string(visit_id),
                                      .global_visit_id = std::string(global_visit_id)},
                         .created_at = created_at,
                         .last_accessed_at = last_accessed_at,
                         .expires_at = expires_at,
                         .version = version,
                         .attributes = std::string(attributes)};
}

}  // namespace sojourn::encoding
