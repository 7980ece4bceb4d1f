#include "encoding/event_record.h"

#include <algorithm>
#include <span>

#include "encoding/byte_reader.h"

namespace sojourn::encoding {
namespace {

using domain::SessionId;

constexpr uint8_t kEventVersion = 1;
constexpr uint8_t kEntryVersion = 1;
constexpr size_t kFactsOverhead = 4 * 2 + 4;

void append_id(std::string& out, const SessionId& id) {
  out.append(reinterpret_cast<const char*>(id.bytes().data()), SessionId::kBytes);
}

// `bytes` are those of an id, or empty.
SessionId id_of(std::string_view bytes) {
  if (bytes.size() != SessionId::kBytes) return {};
  return SessionId::from_bytes(std::span<const uint8_t, SessionId::kBytes>(
      reinterpret_cast<const uint8_t*>(bytes.data()), SessionId::kBytes));
}

size_t size_of(const domain::Facts& facts) {
  const domain::Identity& identity = facts.identity;
  return kFactsOverhead + identity.agent_id.size() + identity.customer_id.size() +
         identity.visit_id.size() + identity.global_visit_id.size() + facts.attributes.size();
}

void append_facts(std::string& out, const domain::Facts& facts) {
  append_text<uint16_t>(out, facts.identity.agent_id);
  append_text<uint16_t>(out, facts.identity.customer_id);
  append_text<uint16_t>(out, facts.identity.visit_id);
  append_text<uint16_t>(out, facts.identity.global_visit_id);
  append_text<uint32_t>(out, facts.attributes);
}

domain::Facts take_facts(ByteReader& in) {
  domain::Facts facts;
  facts.identity.agent_id = in.text<uint16_t>();
  facts.identity.customer_id = in.text<uint16_t>();
  facts.identity.visit_id = in.text<uint16_t>();
  facts.identity.global_visit_id = in.text<uint16_t>();
  facts.attributes = in.text<uint32_t>();
  return facts;
}

bool within_limits(const domain::Identity& identity) {
  return std::max({identity.agent_id.size(), identity.customer_id.size(), identity.visit_id.size(),
                   identity.global_visit_id.size()}) <= domain::Identity::kMaxBytes;
}

}  // namespace

std::string encoded_event(const domain::Event& event) {
  std::string body;
  body.reserve(1 + 1 + 8 + SessionId::kBytes + 8 + size_of(event.from) + size_of(event.to));
  append_number(body, static_cast<uint8_t>(event.type));
  append_number(body, static_cast<uint8_t>(event.cause));
  append_number(body, bits_of(event.time));
  append_id(body, event.session);
  append_number(body, event.version);
  append_facts(body, event.from);
  append_facts(body, event.to);
  return body;
}

std::expected<domain::Event, RecordFault> decoded_event(std::string_view body,
                                                        const domain::TenantId& tenant) {
  ByteReader in(body);
  const auto type = in.number<uint8_t>();
  const auto cause = in.number<uint8_t>();
  const Time time = time_of(in.number<uint64_t>());
  const SessionId session = id_of(in.take(SessionId::kBytes));
  const auto version = in.number<uint64_t>();
  domain::Facts from = take_facts(in);
  domain::Facts to = take_facts(in);
  const bool known = type >= static_cast<uint8_t>(domain::EventType::created) &&
                     type <= static_cast<uint8_t>(domain::EventType::ended) &&
                     cause >= static_cast<uint8_t>(domain::Cause::requested) &&
                     cause <= static_cast<uint8_t>(domain::Cause::expired_lifetime);
  if (in.failed() || !in.at_end() || !known || !within_limits(from.identity) ||
      !within_limits(to.identity)) {
    return std::unexpected(RecordFault::damaged);
  }
  return domain::Event{.type = static_cast<domain::EventType>(type),
                       .cause = static_cast<domain::Cause>(cause),
                       .time = time,
                       .tenant = tenant,
                       .session = session,
                       .version = version,
                       .from = std::move(from),
                       .to = std::move(to)};
}

std::optional<Time> time_of_event(std::string_view body) {
  constexpr size_t kTimeOffset = 2;
  if (body.size() < kTimeOffset + 8) return std::nullopt;
  return time_of(number_at<uint64_t>(body.data() + kTimeOffset));
}

void seal_event(std::string_view key, std::string_view body, char* out) {
  std::copy(body.begin(), body.end(), out + 1);
  seal(key, kEventVersion, out, body.size());
}

std::expected<std::string_view, RecordFault> open_event(std::string_view key,
                                                        std::string_view value) {
  return unsealed(key, kEventVersion, value);
}

std::string encoded_entry(std::string_view key, const domain::IdempotencyEntry& entry) {
  std::string value(1, '\0');
  value.append(reinterpret_cast<const char*>(entry.fingerprint.data()), entry.fingerprint.size());
  append_id(value, entry.session);
  append_number(value, bits_of(entry.keep_until));
  const size_t content_size = value.size() - 1;
  value.resize(content_size + kSealBytes);
  seal(key, kEntryVersion, value.data(), content_size);
  return value;
}

std::expected<domain::IdempotencyEntry, RecordFault> decoded_entry(std::string_view key,
                                                                   std::string_view value) {
  const auto content = unsealed(key, kEntryVersion, value);
  if (!content) return std::unexpected(content.error());
  ByteReader in(*content);
  domain::IdempotencyEntry entry{};
  const std::string_view fingerprint = in.take(entry.fingerprint.size());
  std::copy(fingerprint.begin(), fingerprint.end(), entry.fingerprint.begin());
  entry.session = id_of(in.take(SessionId::kBytes));
  entry.keep_until = time_of(in.number<uint64_t>());
  if (in.failed() || !in.at_end()) return std::unexpected(RecordFault::damaged);
  return entry;
}

}  // namespace sojourn::encoding
