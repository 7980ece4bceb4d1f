#include "testing/sessions.h"

namespace sojourn::store::testing {
namespace {

std::string every_byte() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

Time at(int64_t milliseconds) { return Time(Duration(milliseconds)); }

}  // namespace

domain::TenantId tenant(std::string text) {
  return domain::TenantId::parse(std::move(text)).value();
}

domain::SessionId session_id(uint64_t number) {
  domain::SessionId::Bytes bytes{};
  for (size_t i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(number >> (56 - 8 * i));
  for (size_t i = 8; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(0xA0 + i);
  return domain::SessionId::from_bytes(bytes);
}

domain::Session plain_session(const domain::TenantId& tenant, uint64_t number) {
  const std::string suffix = std::to_string(number);
  return domain::Session{.id = session_id(number),
                         .tenant = tenant,
                         .identity = {.agent_id = "agent-" + suffix,
                                      .customer_id = "customer-" + suffix,
                                      .visit_id = "visit-" + suffix,
                                      .global_visit_id = "global-" + suffix},
                         .created_at = at(1'800'000'000'000),
                         .last_accessed_at = at(1'800'000'000'001),
                         .expires_at = at(1'800'001'800'000),
                         .version = 1,
                         .attributes = "{\"n\":" + suffix + "}"};
}

std::vector<domain::Session> extreme_sessions(const domain::TenantId& tenant) {
  std::vector<domain::Session> sessions;
  const auto add = [&](auto&& edit) {
    domain::Session session = plain_session(tenant, sessions.size() + 1);
    edit(session);
    sessions.push_back(std::move(session));
  };
  add([](domain::Session& s) { s.identity = {}; });
  add([](domain::Session& s) { s.attributes.clear(); });
  add([](domain::Session& s) { s.attributes.assign(8 * 1024, '\0'); });
  add([](domain::Session& s) {
    s.identity = {.agent_id = every_byte(),
                  .customer_id = std::string(256, '\xFF'),
                  .visit_id = std::string(256, '\0'),
                  .global_visit_id = std::string("a\0b", 3)};
    s.attributes = every_byte();
  });
  add([](domain::Session& s) { s.created_at = s.last_accessed_at = s.expires_at = at(0); });
  add([](domain::Session& s) { s.created_at = s.last_accessed_at = s.expires_at = at(-1); });
  add([](domain::Session& s) {
    s.created_at = s.last_accessed_at = s.expires_at = at(253'402'300'799'999);  // the year 9999
    s.version = UINT64_MAX;
  });
  add([](domain::Session& s) { s.version = 0; });
  return sessions;
}

std::vector<domain::Session> one_member_changed(const domain::Session& session) {
  std::vector<domain::Session> others;
  const auto add = [&](auto&& edit) {
    others.push_back(session);
    edit(others.back());
  };
  const auto change = [](std::string& text) {
    if (text.empty()) {
      text = "x";
    } else {
      text.back() = static_cast<char>(text.back() ^ 1);
    }
  };
  add([](domain::Session& s) { s.version += 1; });
  add([](domain::Session& s) { s.created_at += Duration(1); });
  add([](domain::Session& s) { s.last_accessed_at += Duration(1); });
  add([](domain::Session& s) { s.expires_at += Duration(1); });
  add([&](domain::Session& s) { change(s.identity.agent_id); });
  add([&](domain::Session& s) { change(s.identity.customer_id); });
  add([&](domain::Session& s) { change(s.identity.visit_id); });
  add([&](domain::Session& s) { change(s.identity.global_visit_id); });
  add([&](domain::Session& s) { change(s.attributes); });
  add([](domain::Session& s) {
    if (s.attributes.empty()) {
      s.attributes.push_back('\0');
    } else {
      s.attributes.pop_back();
    }
  });
  const domain::Identity& identity = session.identity;
  if (!identity.global_visit_id.empty() && identity.visit_id.size() < domain::Identity::kMaxBytes) {
    // The same bytes in a row, cut at another place.
    add([](domain::Session& s) {
      s.identity.visit_id += s.identity.global_visit_id.front();
      s.identity.global_visit_id.erase(0, 1);
    });
  }
  return others;
}

namespace {

domain::Change change_of(std::optional<domain::Session> before,
                         std::optional<domain::Session> after, domain::EventType type,
                         domain::Cause cause) {
  const domain::Session& subject = after ? *after : before.value();
  const auto facts = [](const std::optional<domain::Session>& session) {
    return session ? domain::Facts{session->identity, session->attributes} : domain::Facts();
  };
  domain::Change change;
  change.event = domain::Event{.type = type,
                               .cause = cause,
                               .time = subject.last_accessed_at,
                               .tenant = subject.tenant,
                               .session = subject.id,
                               .version = subject.version,
                               .from = facts(before),
                               .to = facts(after)};
  change.before = std::move(before);
  change.after = std::move(after);
  return change;
}

}  // namespace

domain::Change creation(domain::Session session) {
  return change_of({}, std::move(session), domain::EventType::created, domain::Cause::requested);
}

domain::Change update(domain::Session before, domain::Session after) {
  return change_of(std::move(before), std::move(after), domain::EventType::updated,
                   domain::Cause::requested);
}

domain::Change deletion(domain::Session session) {
  return change_of(std::move(session), {}, domain::EventType::ended, domain::Cause::ended);
}

domain::Change touching(domain::Session before, domain::Session after) {
  domain::Change change = update(std::move(before), std::move(after));
  change.event.reset();
  return change;
}

domain::IdempotencyEntry idempotency_entry(uint64_t session_number, Time keep_until) {
  domain::IdempotencyEntry entry{
      .fingerprint = {}, .session = session_id(session_number), .keep_until = keep_until};
  for (size_t i = 0; i < entry.fingerprint.size(); ++i) {
    entry.fingerprint[i] = static_cast<uint8_t>(0xF0 + i);
  }
  return entry;
}

}  // namespace sojourn::store::testing
