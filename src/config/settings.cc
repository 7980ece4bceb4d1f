#include "settings.h"

#include <fmt/format.h>

#include <set>

#include "config/units.h"

namespace sojourn::config {
namespace {

using Applied = std::expected<void, std::string>;
template <class T, class Of = Options>
using Member = std::function<T&(Of&)>;

std::unexpected<std::string> wrong(std::string text) { return std::unexpected(std::move(text)); }

std::expected<std::string, std::string> as_text(const Value& value) {
  if (value.kind == Value::Kind::string || value.is_plain) return value.text;
  return wrong("a string in quotes is wanted");
}

Apply text(Member<std::string> member) {
  return [member](Options& options, const Value& value) -> Applied {
    auto given = as_text(value);
    if (!given) return wrong(given.error());
    member(options) = *std::move(given);
    return {};
  };
}

Apply path(Member<std::filesystem::path> member) {
  return [member](Options& options, const Value& value) -> Applied {
    auto given = as_text(value);
    if (!given) return wrong(given.error());
    member(options) = *std::move(given);
    return {};
  };
}

Apply boolean(Member<bool> member) {
  return [member](Options& options, const Value& value) -> Applied {
    if (value.kind != Value::Kind::boolean) return wrong("true or false is wanted");
    member(options) = value.boolean;
    return {};
  };
}

Apply count(Member<size_t> member, int64_t least, int64_t most) {
  return [=](Options& options, const Value& value) -> Applied {
    if (value.kind != Value::Kind::integer || value.integer < least || value.integer > most) {
      return wrong(fmt::format("a whole number from {} to {} is wanted", least, most));
    }
    member(options) = static_cast<size_t>(value.integer);
    return {};
  };
}

std::expected<Duration, std::string> as_duration(const Value& value) {
  if (value.kind == Value::Kind::integer && value.integer == 0) return Duration(0);
  auto given = as_text(value);
  if (!given) return wrong("a duration in quotes is wanted, such as \"250ms\", \"2s\" or \"30m\"");
  return parse_duration(*given);
}

template <class Of>
std::function<Applied(Of&, const Value&)> duration(Member<Duration, Of> member, Duration least) {
  return [=](Of& of, const Value& value) -> Applied {
    const auto given = as_duration(value);
    if (!given) return wrong(given.error());
    if (*given < least) return wrong(fmt::format("at least {}ms is wanted", least.count()));
    member(of) = *given;
    return {};
  };
}

template <class T>
Apply size(Member<T> member, uint64_t least, uint64_t most) {
  return [=](Options& options, const Value& value) -> Applied {
    auto given = as_text(value);
    if (!given) return wrong("a size in quotes is wanted, such as \"64KiB\" or \"64GiB\"");
    const auto bytes = parse_size(*given);
    if (!bytes) return wrong(bytes.error());
    if (*bytes < least || *bytes > most) {
      return wrong(fmt::format("{} to {} bytes are wanted", least, most));
    }
    member(options) = static_cast<T>(*bytes);
    return {};
  };
}

template <class T>
ApplyToPolicy choice(Member<T, domain::Policy> member,
                     std::vector<std::pair<std::string, T>> choices) {
  return [=](domain::Policy& policy, const Value& value) -> Applied {
    std::string names;
    for (const auto& [name, chosen] : choices) {
      if (as_text(value) == name) {
        member(policy) = chosen;
        return {};
      }
      names += (names.empty() ? "\"" : " or \"") + name + '"';
    }
    return wrong(names + " is wanted");
  };
}

Applied apply_base_paths(Options& options, const Value& value) {
  if (value.kind != Value::Kind::strings || value.strings.empty()) {
    return wrong("a list of paths is wanted, such as [\"/\", \"/gks-server/v1\"]");
  }
  for (const std::string& path : value.strings) {
    if (!path.starts_with('/') || (path.size() > 1 && path.ends_with('/')) ||
        path.find_first_of("?#% ") != std::string::npos) {
      return wrong(
          fmt::format("\"{}\" must start with '/', not end with one, and hold no '?', '#', "
                      "'%' or space",
                      path));
    }
  }
  options.api.base_paths = value.strings;
  return {};
}

Applied apply_default_tenant(Options& options, const Value& value) {
  auto given = as_text(value);
  if (!given) return wrong(given.error());
  auto tenant = domain::TenantId::parse(*std::move(given));
  if (!tenant) return wrong("1 to 128 bytes of UTF-8 without control characters are wanted");
  options.tenants.default_tenant = *std::move(tenant);
  return {};
}

Applied apply_durability(Options& options, const Value& value) {
  const auto given = as_text(value);
  if (given == "sync") {
    options.lmdb.sync_interval.reset();
    return {};
  }
  if (given && given->starts_with("interval:")) {
    const auto interval = parse_duration(std::string_view(*given).substr(9));
    if (interval && *interval >= Duration(1) && *interval <= std::chrono::minutes(1)) {
      options.lmdb.sync_interval = *interval;
      return {};
    }
  }
  return wrong(
      "\"sync\" or \"interval:\" and a duration is wanted, such as \"interval:100ms\", 1ms to 1m");
}

Applied apply_store_kind(Options&, const Value& value) {
  if (as_text(value) == "lmdb") return {};
  return wrong("\"lmdb\" is wanted; this version has no other store");
}

Applied apply_index(Options& options, const Value& value) {
  using domain::IdentityAttribute;
  static const std::map<std::string, IdentityAttribute> kNames = {
      {"customerId", IdentityAttribute::customer_id},
      {"agentId", IdentityAttribute::agent_id},
      {"visitId", IdentityAttribute::visit_id},
      {"globalVisitId", IdentityAttribute::global_visit_id}};
  std::set<IdentityAttribute> indexed;
  bool fine = value.kind == Value::Kind::strings;
  for (const std::string& name : value.strings) {
    const auto known = kNames.find(name);
    fine = fine && known != kNames.end() && indexed.insert(known->second).second;
  }
  if (!fine) {
    return wrong(
        "a list of \"customerId\", \"agentId\", \"visitId\" and \"globalVisitId\", each at most "
        "once, is "
        "wanted");
  }
  options.lmdb.indexed.assign(indexed.begin(), indexed.end());
  return {};
}

// A sessions.* option, applied to the policy of tenants that have none of their own.
Apply of_default_policy(const std::string& name) {
  return [apply = policy_settings().at(name)](Options& options, const Value& value) {
    return apply(options.tenants.policy, value);
  };
}

// A path or an address that must not be empty.
Apply present(Apply apply, std::string what) {
  return [apply, what](Options& options, const Value& value) -> Applied {
    if (as_text(value) == "") return wrong(what + " is wanted");
    return apply(options, value);
  };
}

// http.tls.* and admin.tls.*.
std::vector<Setting> tls_settings(const std::string& section, Member<http::TlsOptions> tls) {
  const auto file = [&](std::filesystem::path http::TlsOptions::* member) {
    return present(path([=](Options& options) -> auto& { return tls(options).*member; }), "a file");
  };
  return {
      {section + ".certificate", "", "PEM file: the certificate, then those between it and its CA.",
       file(&http::TlsOptions::certificate)},
      {section + ".key", "", "PEM file: the private key of the certificate, not encrypted.",
       file(&http::TlsOptions::key)},
      {section + ".client_ca", "", "PEM file: the CAs whose certificates clients show.",
       file(&http::TlsOptions::client_ca)},
      {section + ".client_auth", "",
       "With client_ca: \"required\" (so when unset), or \"optional\" to let clients without one "
       "in.",
       [tls](Options& options, const Value& value) -> Applied {
         const auto given = as_text(value);
         if (given != "required" && given != "optional") {
           return wrong("\"required\" or \"optional\" is wanted");
         }
         tls(options).client_auth =
             given == "required" ? http::ClientAuth::required : http::ClientAuth::optional;
         return {};
       }},
  };
}

std::vector<Setting> make_settings() {
  using std::chrono::milliseconds;
  constexpr auto kMostBytes = uint64_t{1} << 30;
  std::vector<Setting> all = {
      {"http.listen", "\"127.0.0.1:9092\"",
       "HOST:PORT of the public listener; port 0 picks a free one.",
       present(text([](Options& o) -> auto& { return o.http.listen; }), "HOST:PORT")},
      {"http.threads", "one per core", "I/O threads.",
       count([](Options& o) -> auto& { return o.http_threads; }, 1, 1024)},
      {"http.base_paths", "[\"/\", \"/gks-server/v1\"]", "Every route is mounted under each.",
       apply_base_paths},
      {"http.mirror_session_id", "true",
       "Repeat the sessionId at the top level of answers, for clients of the first generation.",
       boolean([](Options& o) -> auto& { return o.api.mirror_session_id; })},
      {"http.max_connections", "10000",
       "Connections open at once; one more is answered 503 OVERLOADED.",
       count([](Options& o) -> auto& { return o.http.max_connections; }, 1, 1'000'000)},
      {"http.header_timeout", "\"10s\"",
       "From the first byte of a request until it is whole, body included.",
       duration<Options>([](Options& o) -> auto& { return o.http.header_timeout; },
                         milliseconds(1))},
      {"http.idle_timeout", "\"75s\"", "A connection without a request is closed after this.",
       duration<Options>([](Options& o) -> auto& { return o.http.idle_timeout; }, milliseconds(1))},
      {"http.max_header_bytes", "\"16KiB\"", "Request line and header fields together.",
       size<size_t>([](Options& o) -> auto& { return o.http.max_header_bytes; }, 1024, kMostBytes)},
      {"http.max_body_bytes", "\"64KiB\"", "The body, after chunked decoding.",
       size<size_t>([](Options& o) -> auto& { return o.http.max_body_bytes; }, 0, kMostBytes)},
      {"http.drain_timeout", "\"5s\"", "After SIGTERM, how long requests in flight may take.",
       duration<Options>([](Options& o) -> auto& { return o.drain_timeout; }, milliseconds(0))},
      {"admin.listen", "\"127.0.0.1:9093\"", "HOST:PORT of the admin listener; \"\" turns it off.",
       text([](Options& o) -> auto& { return o.admin.listen; })},
      {"security.key_file", "",
       "The API keys that are accepted, one a line as `sojourn key new` prints it; unset: anyone "
       "may call.",
       present(path([](Options& o) -> auto& { return o.access.key_file; }), "a file")},
      {"security.allow_insecure", "false",
       "Let other machines reach a listener that has no API keys or no TLS.",
       boolean([](Options& o) -> auto& { return o.allow_insecure; })},
      {"store.kind", "\"lmdb\"", "Which store keeps the sessions.", apply_store_kind},
      {"store.lmdb.path", "\"./sojourn-data\"", "The directory of the embedded store.",
       present(path([](Options& o) -> auto& { return o.lmdb.path; }), "a directory")},
      {"store.lmdb.map_size", "\"64GiB\"",
       "The most the store may grow to. Address space, not memory or disk.",
       size<uint64_t>([](Options& o) -> auto& { return o.lmdb.map_size; }, uint64_t{1} << 20,
                      uint64_t{1} << 46)},
      {"store.lmdb.durability", "\"sync\"",
       "\"sync\": an answer is on disk. \"interval:100ms\": a power cut may lose that much.",
       apply_durability},
      {"sessions.idle_timeout", "\"30m\"", "A session ends when it was not used for this long.",
       of_default_policy("idle_timeout")},
      {"sessions.max_lifetime", "\"24h\"", "A session ends this long after its creation.",
       of_default_policy("max_lifetime")},
      {"sessions.touch_interval", "idle_timeout / 30",
       "An access is written down only when it moves expiresAt by at least this.",
       of_default_policy("touch_interval")},
      {"sessions.on_unknown_id", "\"create\"",
       "What GET and POST do with an unknown id: \"create\" or \"not_found\".",
       of_default_policy("on_unknown_id")},
      {"sessions.on_customer_conflict", "\"reject\"",
       "What POST does with another customerId: \"reject\" or \"replace\".",
       of_default_policy("on_customer_conflict")},
      {"sessions.index", "[\"customerId\", \"agentId\"]",
       "What sessions can be listed and ended by; also \"visitId\", \"globalVisitId\".",
       apply_index},
      {"tenants.closed", "false",
       "Only tenants with a policy, [tenants.policy.\"ID\"], exist; others are 404.",
       boolean([](Options& o) -> auto& { return o.tenants.closed; })},
      {"events.retention", "\"14d\"", "How long events are kept; \"0\" turns the log off.",
       duration<Options>([](Options& o) -> auto& { return o.events.retention; }, milliseconds(0))},
      {"tenants.default", "", "The tenant meant by requests that name none.", apply_default_tenant},
  };
  for (auto& setting : tls_settings("http.tls", [](Options& o) -> auto& { return o.http.tls; })) {
    all.push_back(std::move(setting));
  }
  for (auto& setting : tls_settings("admin.tls", [](Options& o) -> auto& { return o.admin.tls; })) {
    all.push_back(std::move(setting));
  }
  return all;
}

}  // namespace

const std::map<std::string, ApplyToPolicy>& policy_settings() {
  using domain::Policy, std::chrono::milliseconds;
  static const std::map<std::string, ApplyToPolicy> all = {
      {"idle_timeout",
       duration<Policy>([](Policy& p) -> auto& { return p.idle_timeout; }, milliseconds(1))},
      {"max_lifetime",
       duration<Policy>([](Policy& p) -> auto& { return p.max_lifetime; }, milliseconds(1))},
      {"touch_interval",
       duration<Policy>([](Policy& p) -> auto& { return p.touch_interval; }, milliseconds(0))},
      {"on_unknown_id",
       choice<domain::OnUnknownId>([](Policy& p) -> auto& { return p.on_unknown_id; },
                                   {{"create", domain::OnUnknownId::create},
                                    {"not_found", domain::OnUnknownId::not_found}})},
      {"on_customer_conflict",
       choice<domain::OnCustomerConflict>([](Policy& p) -> auto& { return p.on_customer_conflict; },
                                          {{"reject", domain::OnCustomerConflict::reject},
                                           {"replace", domain::OnCustomerConflict::replace}})},
  };
  return all;
}

const std::vector<Setting>& settings() {
  static const std::vector<Setting> all = make_settings();
  return all;
}

}  // namespace sojourn::config
