#include "event_json.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

#include "base/json_text.h"
#include "base/text.h"

namespace sojourn::api {
namespace {

std::string_view type_name(domain::EventType type) {
  switch (type) {
    case domain::EventType::created:
      return "session.created";
    case domain::EventType::identified:
      return "session.identified";
    case domain::EventType::updated:
      return "session.updated";
    case domain::EventType::expired:
      return "session.expired";
    case domain::EventType::ended:
      return "session.ended";
  }
  return "session.updated";
}

std::string_view cause_name(domain::Cause cause) {
  switch (cause) {
    case domain::Cause::requested:
      return "requested";
    case domain::Cause::automatic:
      return "automatic";
    case domain::Cause::expired:
      return "expired";
    case domain::Cause::ended:
      return "ended";
    case domain::Cause::ended_all:
      return "ended_all";
    case domain::Cause::expired_idle:
      return "expired_idle";
    case domain::Cause::expired_lifetime:
      return "expired_lifetime";
  }
  return "requested";
}

// The members that either side has; those that `facts` has not are null.
void write_facts(JsonText& json, const domain::Facts& facts, const domain::Facts& other) {
  using domain::IdentityAttribute;
  static constexpr std::pair<const char*, IdentityAttribute> kNames[] = {
      {"agentId", IdentityAttribute::agent_id},
      {"customerId", IdentityAttribute::customer_id},
      {"visitId", IdentityAttribute::visit_id},
      {"globalVisitId", IdentityAttribute::global_visit_id}};
  json.open('{');
  for (const auto& [name, attribute] : kNames) {
    const std::string& value = domain::value_of(facts.identity, attribute);
    if (value.empty() && domain::value_of(other.identity, attribute).empty()) continue;
    json.key(name);
    if (value.empty()) {
      json.raw("null");
    } else {
      json.string(value);
    }
  }
  if (!facts.attributes.empty()) {
    json.key("attributes");
    json.raw(facts.attributes);
  }
  json.close('}');
}

}  // namespace

std::optional<uint64_t> parsed_cursor(std::string_view text) {
  uint64_t place = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, place);
  if (text.empty() || read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return place;
}

void append_cursor(std::string& out, uint64_t place) {
  fmt::format_to(std::back_inserter(out), "\"{}\"", place);
}

void append_cloud_event(std::string& out, const domain::LoggedEvent& logged) {
  using domain::EventType;
  const domain::Event& event = logged.event;
  const std::string session = event.session.text();
  std::string source = "/tenants/";
  append_percent_encoded(source, event.tenant.text());
  std::string time;
  append_rfc3339(time, event.time);

  JsonText json;
  json.open('{');
  const auto member = [&](std::string_view name, std::string_view value) {
    json.key(name);
    json.string(value);
  };
  member("specversion", "1.0");
  member("id", fmt::format("{}", logged.number));
  member("source", source);
  member("type", type_name(event.type));
  member("subject", session);
  member("time", time);
  member("datacontenttype", "application/json");
  json.key("data");
  json.open('{');
  member("sessionId", session);
  member("tenantId", event.tenant.text());
  json.key("version");
  json.raw(fmt::format("{}", event.version));
  member("cause", cause_name(event.cause));
  json.key("from");
  if (event.type == EventType::created) {
    json.raw("null");
  } else {
    write_facts(json, event.from, event.to);
  }
  json.key("to");
  if (event.type == EventType::expired || event.type == EventType::ended) {
    json.raw("null");
  } else {
    write_facts(json, event.to, event.from);
  }
  json.close('}');
  json.close('}');
  out.append(json.text());
}

void append_stream_message(std::string& out, const domain::LoggedEvent& logged) {
  fmt::format_to(std::back_inserter(out), "id: {}\nevent: {}\ndata: ", logged.number,
                 type_name(logged.event.type));
  append_cloud_event(out, logged);
  out.append("\n\n");
}

void append_stream_gap(std::string& out, uint64_t after, uint64_t from) {
  fmt::format_to(std::back_inserter(out),
                 "id: {1}\nevent: gap\ndata: {{\"after\":\"{0}\",\"nextCursor\":\"{1}\"}}\n\n",
                 after, from);
}

}  // namespace sojourn::api
