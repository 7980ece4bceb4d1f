#include "settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "config/units.h"
#include "http/listen_address.h"

namespace sojourn::config {
namespace {

constexpr int64_t kMostSessions = 1'000'000'000'000;

using Applied = std::expected<void, std::string>;
template <class T, class Of = Options>
using Member = std::function<T&(Of&)>;

std::unexpected<std::string> wrong(std::string text) { return std::unexpected(std::move(text)); }

// How a T is written in TOML, both ways: write() gives what read() takes.
template <class T>
struct Notation {
  std::function<std::expected<T, std::string>(const Value&)> read;
  std::function<std::optional<std::string>(const T&)> write;  // nothing: it is not set
};

// The one place where an option gets at its member.
template <class T, class Of>
Binding<Of> bind(Member<T, Of> member, Notation<T> notation) {
  // A member is a way to a place, and changes nothing on it.
  const auto at = [member](const Of& of) -> const T& { return member(const_cast<Of&>(of)); };
  return {.apply = [=](Of& of, const Value& value) -> Applied {
            auto given = notation.read(value);
            if (!given) return wrong(std::move(given.error()));
            member(of) = *std::move(given);
            return {};
          },
          .show = [=](const Of& of) { return notation.write(at(of)); },
          .same = [=](const Of& a, const Of& b) { return at(a) == at(b); },
          .copy = [=](Of& to, const Of& from) { member(to) = at(from); }};
}

std::expected<std::string, std::string> as_text(const Value& value) {
  if (value.kind == Value::Kind::string || value.is_plain) return value.text;
  return wrong("a string in quotes is wanted");
}

std::string shown_list(const std::vector<std::string>& all) {
  std::string shown = "[";
  for (const std::string& one : all) shown += (shown.size() > 1 ? ", " : "") + toml_string(one);
  return shown + "]";
}

Binding<Options> text(Member<std::string> member) {
  return bind<std::string>(member, {as_text, toml_string});
}

// Empty: not set.
Binding<Options> path(Member<std::filesystem::path> member) {
  return bind<std::filesystem::path>(member,
                                     {as_text, [](const auto& path) -> std::optional<std::string> {
                                        if (path.empty()) return std::nullopt;
                                        return toml_string(path.string());
                                      }});
}

Binding<Options> boolean(Member<bool> member) {
  return bind<bool>(member, {[](const Value& value) -> std::expected<bool, std::string> {
                               if (value.kind == Value::Kind::boolean) return value.boolean;
                               return wrong("true or false is wanted");
                             },
                             [](bool value) { return value ? "true" : "false"; }});
}

// 0, where it cannot be given: not set.
template <class Of>
Binding<Of> count(Member<size_t, Of> member, int64_t least, int64_t most) {
  return bind<size_t, Of>(
      member, {[=](const Value& value) -> std::expected<size_t, std::string> {
                 if (value.kind == Value::Kind::integer && value.integer >= least &&
                     value.integer <= most) {
                   return static_cast<size_t>(value.integer);
                 }
                 return wrong(fmt::format("a whole number from {} to {} is wanted", least, most));
               },
               [=](size_t value) -> std::optional<std::string> {
                 if (value == 0 && least > 0) return std::nullopt;
                 return std::to_string(value);
               }});
}

template <class Of>
Binding<Of> duration(Member<Duration, Of> member, Duration least, Duration most = Duration::max()) {
  return bind<Duration, Of>(
      member,
      {[=](const Value& value) -> std::expected<Duration, std::string> {
         const auto given = as_text(value);
         const bool zero = value.kind == Value::Kind::integer && value.integer == 0;
         if (!given && !zero) {
           return wrong("a duration in quotes is wanted, such as \"250ms\", \"2s\" or \"30m\"");
         }
         auto parsed = zero ? Duration(0) : parse_duration(*given);
         if (parsed && *parsed < least) {
           return wrong(fmt::format("at least {}ms is wanted", least.count()));
         }
         if (parsed && *parsed > most) {
           return wrong(fmt::format("at most {} is wanted", shown_duration(most)));
         }
         return parsed;
       },
       [](Duration value) { return toml_string(shown_duration(value)); }});
}

template <class T>
Binding<Options> size(Member<T> member, uint64_t least, uint64_t most) {
  return bind<T>(member,
                 {[=](const Value& value) -> std::expected<T, std::string> {
                    const auto given = as_text(value);
                    if (!given)
                      return wrong("a size in quotes is wanted, such as \"64KiB\" or \"64GiB\"");
                    const auto bytes = parse_size(*given);
                    if (!bytes) return wrong(bytes.error());
                    if (*bytes < least || *bytes > most) {
                      return wrong(fmt::format("{} to {} bytes are wanted", least, most));
                    }
                    return static_cast<T>(*bytes);
                  },
                  [](T value) { return toml_string(shown_size(value)); }});
}

template <class Of>
Binding<Of> rate(Member<Rate, Of> member) {
  return bind<Rate, Of>(member, {[](const Value& value) -> std::expected<Rate, std::string> {
                                   const auto given = as_text(value);
                                   if (!given)
                                     return wrong("a rate in quotes is wanted, such as \"100/s\"");
                                   return parse_rate(*given);
                                 },
                                 [](const Rate& value) -> std::optional<std::string> {
                                   if (!value.limits()) return std::nullopt;
                                   return toml_string(shown_rate(value));
                                 }});
}

template <class T>
Notation<T> one_of(std::vector<std::pair<std::string, T>> choices) {
  return {[=](const Value& value) -> std::expected<T, std::string> {
            std::string names;
            for (const auto& [name, chosen] : choices) {
              if (as_text(value) == name) return chosen;
              names += (names.empty() ? "\"" : " or \"") + name + '"';
            }
            return wrong(names + " is wanted");
          },
          [=](const T& value) -> std::optional<std::string> {
            for (const auto& [name, chosen] : choices) {
              if (chosen == value) return toml_string(name);
            }
            return std::nullopt;
          }};
}

template <class T, class Of>
Binding<Of> choice(Member<T, Of> member, std::vector<std::pair<std::string, T>> choices) {
  return bind<T, Of>(member, one_of<T>(std::move(choices)));
}

Binding<Options> base_paths() {
  const auto read = [](const Value& value) -> std::expected<std::vector<std::string>, std::string> {
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
    return value.strings;
  };
  return bind<std::vector<std::string>, Options>(
      [](Options& o) -> auto& { return o.api.base_paths; }, {read, shown_list});
}

Binding<Options> allowed_origins() {
  const auto read = [](const Value& value) -> std::expected<std::vector<std::string>, std::string> {
    if (value.kind != Value::Kind::strings) {
      return wrong("a list of origins is wanted, such as [\"https://shop.example\"], or [\"*\"]");
    }
    for (const std::string& origin : value.strings) {
      if (origin == "*") {
        if (value.strings.size() == 1) continue;
        return wrong("\"*\" allows every origin: it stands alone, or is left away");
      }
      if (auto checked = http::check_origin(origin); !checked) return wrong(checked.error());
    }
    return value.strings;
  };
  return bind<std::vector<std::string>, Options>(
      [](Options& o) -> auto& { return o.cors.allowed_origins; }, {read, shown_list});
}

Binding<Options> allowed_headers() {
  const auto read = [](const Value& value) -> std::expected<std::vector<std::string>, std::string> {
    if (value.kind != Value::Kind::strings) {
      return wrong("a list of header names is wanted, such as [\"X-Requested-With\"]");
    }
    for (const std::string& name : value.strings) {
      if (auto checked = http::check_header_name(name); !checked) return wrong(checked.error());
    }
    return value.strings;
  };
  return bind<std::vector<std::string>, Options>(
      [](Options& o) -> auto& { return o.cors.allowed_headers; }, {read, shown_list});
}

Binding<Options> trusted_proxies() {
  using Networks = std::vector<http::IpNetwork>;
  const auto read = [](const Value& value) -> std::expected<Networks, std::string> {
    if (value.kind != Value::Kind::strings) {
      return wrong("a list of addresses is wanted, such as [\"127.0.0.1\", \"10.0.0.0/8\"]");
    }
    Networks networks;
    for (const std::string& text : value.strings) {
      const auto network = http::IpNetwork::parse(text);
      if (!network) {
        return wrong(fmt::format(
            "\"{}\" is no IP address, such as \"127.0.0.1\" or \"::1\", and no network, "
            "such as \"10.0.0.0/8\" or \"2001:db8::/32\", all 0 behind its length",
            text));
      }
      networks.push_back(*network);
    }
    return networks;
  };
  const auto write = [](const Networks& networks) {
    std::vector<std::string> texts;
    for (const http::IpNetwork& network : networks) texts.push_back(network.text());
    return shown_list(texts);
  };
  return bind<Networks, Options>([](Options& o) -> auto& { return o.http.trusted_proxies; },
                                 {read, write});
}

Binding<Options> default_tenant() {
  const auto read =
      [](const Value& value) -> std::expected<std::optional<domain::TenantId>, std::string> {
    auto given = as_text(value);
    if (!given) return wrong(given.error());
    auto tenant = domain::TenantId::parse(*std::move(given));
    if (!tenant) return wrong("1 to 128 bytes of UTF-8 without control characters are wanted");
    return *std::move(tenant);
  };
  const auto write = [](const std::optional<domain::TenantId>& tenant) {
    return tenant.transform([](const domain::TenantId& id) { return toml_string(id.text()); });
  };
  return bind<std::optional<domain::TenantId>, Options>(
      [](Options& o) -> auto& { return o.tenants.default_tenant; }, {read, write});
}

Binding<Options> durability() {
  const auto read = [](const Value& value) -> std::expected<std::optional<Duration>, std::string> {
    const auto given = as_text(value);
    if (given == "sync") return std::nullopt;
    if (given && given->starts_with("interval:")) {
      const auto interval = parse_duration(std::string_view(*given).substr(9));
      if (interval && *interval >= Duration(1) && *interval <= std::chrono::minutes(1)) {
        return *interval;
      }
    }
    return wrong(
        "\"sync\" or \"interval:\" and a duration is wanted, such as \"interval:100ms\", 1ms to "
        "1m");
  };
  const auto write = [](const std::optional<Duration>& interval) {
    return toml_string(interval ? "interval:" + shown_duration(*interval) : "sync");
  };
  return bind<std::optional<Duration>, Options>(
      [](Options& o) -> auto& { return o.lmdb.sync_interval; }, {read, write});
}

Binding<Options> index() {
  using domain::IdentityAttribute;
  using Attributes = std::vector<IdentityAttribute>;
  // Kept in this order, whatever the order given.
  static const std::vector<std::pair<std::string, IdentityAttribute>> kNames = {
      {"customerId", IdentityAttribute::customer_id},
      {"agentId", IdentityAttribute::agent_id},
      {"visitId", IdentityAttribute::visit_id},
      {"globalVisitId", IdentityAttribute::global_visit_id}};
  const auto read = [](const Value& value) -> std::expected<Attributes, std::string> {
    std::set<std::string> given(value.strings.begin(), value.strings.end());
    bool fine = value.kind == Value::Kind::strings && given.size() == value.strings.size();
    Attributes indexed;
    for (const auto& [name, attribute] : kNames) {
      if (given.erase(name) > 0) indexed.push_back(attribute);
    }
    if (fine && given.empty()) return indexed;
    return wrong(
        "a list of \"customerId\", \"agentId\", \"visitId\" and \"globalVisitId\", each at most "
        "once, is wanted");
  };
  const auto write = [](const Attributes& indexed) {
    std::vector<std::string> names;
    for (const auto& [name, attribute] : kNames) {
      if (std::ranges::find(indexed, attribute) != indexed.end()) names.push_back(name);
    }
    return shown_list(names);
  };
  return bind<Attributes, Options>([](Options& o) -> auto& { return o.lmdb.indexed; },
                                   {read, write});
}

// "off", "all" or "1/100", which is kept as 0, 1 or 100.
Binding<Options> access_log() {
  const auto read = [](const Value& value) -> std::expected<size_t, std::string> {
    const auto given = as_text(value);
    if (given == "off") return 0;
    if (given == "all") return 1;
    constexpr size_t kMost = 1'000'000;
    size_t every = 0;
    if (given && given->starts_with("1/")) {
      const char* end = given->data() + given->size();
      const auto [stop, error] = std::from_chars(given->data() + 2, end, every);
      if (error == std::errc() && stop == end && every >= 1 && every <= kMost) return every;
    }
    return wrong("\"off\", \"all\" or a share is wanted, such as \"1/100\", up to \"1/1000000\"");
  };
  const auto write = [](size_t every) {
    if (every <= 1) return toml_string(every == 0 ? "off" : "all");
    return toml_string(fmt::format("1/{}", every));
  };
  return bind<size_t, Options>([](Options& o) -> auto& { return o.log.access_every; },
                               {read, write});
}

// A sessions.* option: of the policy of tenants that have none of their own.
Binding<Options> of_default_policy(const std::string& name) {
  const Binding<domain::Policy>& of = policy_settings().at(name);
  return {.apply = [of](Options& o, const Value& v) { return of.apply(o.tenants.policy, v); },
          .show = [of](const Options& o) { return of.show(o.tenants.policy); },
          .same = [of](const Options& a,
                       const Options& b) { return of.same(a.tenants.policy, b.tenants.policy); },
          .copy = [of](Options& to,
                       const Options& from) { of.copy(to.tenants.policy, from.tenants.policy); }};
}

// A path or an address that must not be empty.
Binding<Options> present(Binding<Options> binding, std::string what) {
  binding.apply = [apply = std::move(binding.apply), what](Options& options,
                                                           const Value& value) -> Applied {
    if (as_text(value) == "") return wrong(what + " is wanted");
    return apply(options, value);
  };
  return binding;
}

// Empty, where it may be: no listener.
Binding<Options> listen_address(Member<std::string> member) {
  const auto read = [](const Value& value) -> std::expected<std::string, std::string> {
    auto given = as_text(value);
    if (given && !given->empty() && !http::parse_listen_address(*given)) {
      return wrong(
          fmt::format("{} is not an address: {}", toml_string(*given), http::kListenAddressForm));
    }
    return given;
  };
  return bind<std::string>(std::move(member), {read, toml_string});
}

// http.tls.* and admin.tls.*.
std::vector<Setting> tls_settings(const std::string& section, Member<http::TlsOptions> tls) {
  const auto file = [&](std::filesystem::path http::TlsOptions::* member) {
    return present(path([=](Options& options) -> auto& { return tls(options).*member; }), "a file");
  };
  return {
      {section + ".certificate", "", "PEM file: the certificate, then those between it and its CA.",
       file(&http::TlsOptions::certificate), Takes::live},
      {section + ".key", "", "PEM file: the private key of the certificate, not encrypted.",
       file(&http::TlsOptions::key), Takes::live},
      {section + ".client_ca", "", "PEM file: the CAs whose certificates clients show.",
       file(&http::TlsOptions::client_ca), Takes::live},
      {section + ".client_auth", "",
       "With client_ca: \"required\" (so when unset), or \"optional\" to let clients without one "
       "in.",
       bind<std::optional<http::ClientAuth>, Options>(
           [tls](Options& o) -> auto& { return tls(o).client_auth; },
           one_of<std::optional<http::ClientAuth>>({{"required", http::ClientAuth::required},
                                                    {"optional", http::ClientAuth::optional}})),
       Takes::live},
  };
}

// The password in a URL is not for other eyes.
Binding<Options> redis_url() {
  Binding<Options> binding =
      present(text([](Options& o) -> auto& { return o.redis.url; }), "a URL");
  binding.show = [](const Options& options) {
    return toml_string(without_password(options.redis.url));
  };
  return binding;
}

// store.redis.*.
std::vector<Setting> redis_settings() {
  using redis::RedisOptions, redis::TlsVerify;
  using std::chrono::milliseconds;
  const auto of_text = [](std::string RedisOptions::* member) {
    Binding<Options> binding =
        present(text([=](Options& o) -> auto& { return o.redis.*member; }), "a text");
    binding.show = [=](const Options& o) -> std::optional<std::string> {
      if ((o.redis.*member).empty()) return std::nullopt;
      return toml_string(o.redis.*member);
    };
    return binding;
  };
  const auto of_time = [](Duration RedisOptions::* member) {
    return duration<Options>([=](Options& o) -> auto& { return o.redis.*member; }, milliseconds(1));
  };
  return {
      {"store.redis.url", "\"redis://127.0.0.1:6379\"",
       "The Redis server, or some servers of a cluster: redis://HOST:PORT,HOST:PORT; rediss:// for "
       "TLS.",
       redis_url(), Takes::restart},
      {"store.redis.username", "", "Who to log in as; unset: as the URL says.",
       of_text(&RedisOptions::username), Takes::restart},
      {"store.redis.password_file", "", "A file that holds the password; unset: as the URL says.",
       present(path([](Options& o) -> auto& { return o.redis_password_file; }), "a file"),
       Takes::restart},
      {"store.redis.tls.ca", "",
       "PEM file: the CAs that vouch for the servers; unset: those of the system.",
       of_text(&RedisOptions::ca_file), Takes::restart},
      {"store.redis.tls.certificate", "", "PEM file: the certificate to show to the servers.",
       of_text(&RedisOptions::certificate_file), Takes::restart},
      {"store.redis.tls.key", "", "PEM file: the private key of that certificate.",
       of_text(&RedisOptions::key_file), Takes::restart},
      {"store.redis.tls.verify", "\"full\"",
       "What a server's certificate must show: \"full\", a known CA and its name; \"ca\", a known "
       "CA; "
       "\"none\", nothing.",
       choice<TlsVerify, Options>(
           [](Options& o) -> auto& { return o.redis.verify; },
           {{"full", TlsVerify::full}, {"ca", TlsVerify::ca}, {"none", TlsVerify::none}}),
       Takes::restart},
      {"store.redis.connect_timeout", "\"1s\"", "How long a connection to a server may take.",
       of_time(&RedisOptions::connect_timeout), Takes::restart},
      {"store.redis.command_timeout", "\"2s\"",
       "How long a command may take, retries included; then the answer is 503.",
       of_time(&RedisOptions::command_timeout), Takes::restart},
      {"store.redis.start_timeout", "\"30s\"",
       "How long a start waits for servers that cannot be reached yet.",
       of_time(&RedisOptions::start_timeout), Takes::restart},
      {"store.redis.max_pending", "4096",
       "Commands of one thread that wait for one server; one more is answered 503 OVERLOADED.",
       count<Options>([](Options& o) -> auto& { return o.redis.max_pending; }, 1, 1'000'000),
       Takes::restart},
      {"store.redis.wait_replicas", "0",
       "A write is acknowledged when so many replicas have it, beside the master.",
       count<Options>([](Options& o) -> auto& { return o.redis.wait_replicas; }, 0, 10),
       Takes::restart},
      {"store.redis.wait_timeout", "\"500ms\"",
       "How long replicas are waited for; then the answer is 503.",
       of_time(&RedisOptions::wait_timeout), Takes::restart},
  };
}

std::vector<Setting> make_settings() {
  using std::chrono::milliseconds;
  constexpr auto kMostBytes = uint64_t{1} << 30;
  std::vector<Setting> all = {
      {"http.listen", "\"127.0.0.1:9092\"",
       "HOST:PORT of the public listener; port 0 picks a free one.",
       present(listen_address([](Options& o) -> auto& { return o.http.listen; }), "HOST:PORT"),
       Takes::restart},
      {"http.threads", "one per core", "I/O threads.",
       count<Options>([](Options& o) -> auto& { return o.http_threads; }, 1, 1024), Takes::restart},
      {"http.base_paths", "[\"/\", \"/gks-server/v1\"]", "Every route is mounted under each.",
       base_paths(), Takes::restart},
      {"http.mirror_session_id", "true",
       "Repeat the sessionId at the top level of answers, for clients of the first generation.",
       boolean([](Options& o) -> auto& { return o.api.mirror_session_id; }), Takes::live},
      {"http.max_connections", "10000",
       "Connections open at once; one more is answered 503 OVERLOADED.",
       count<Options>([](Options& o) -> auto& { return o.http.max_connections; }, 1, 1'000'000),
       Takes::live},
      {"http.max_connections_per_client", "1000",
       "Of these, from one client address; one more is answered 503 OVERLOADED. 0: no such limit.",
       count<Options>([](Options& o) -> auto& { return o.http.max_connections_per_client; }, 0,
                      1'000'000),
       Takes::live},
      {"http.header_timeout", "\"10s\"",
       "From the first byte of a request until it is whole, body included.",
       duration<Options>([](Options& o) -> auto& { return o.http.header_timeout; },
                         milliseconds(1)),
       Takes::live},
      {"http.idle_timeout", "\"75s\"",
       "A connection on which no request has begun is closed after this.",
       duration<Options>([](Options& o) -> auto& { return o.http.idle_timeout; }, milliseconds(1)),
       Takes::live},
      {"http.max_header_bytes", "\"16KiB\"", "Request line and header fields together.",
       size<size_t>([](Options& o) -> auto& { return o.http.max_header_bytes; }, 1024, kMostBytes),
       Takes::live},
      {"http.max_body_bytes", "\"64KiB\"", "The body, after chunked decoding.",
       size<size_t>([](Options& o) -> auto& { return o.http.max_body_bytes; }, 0, kMostBytes),
       Takes::live},
      {"http.max_unsent_bytes", "\"64MiB\"",
       "Bytes of answers that wait for slow clients; beyond it long answers are 503 OVERLOADED.",
       size<size_t>([](Options& o) -> auto& { return o.http.max_unsent_bytes; }, 1 << 20,
                    uint64_t{1} << 40),
       Takes::live},
      {"http.trusted_proxies", "[]",
       "Proxies whose X-Forwarded-For and Forwarded are believed: [\"127.0.0.1\", \"10.0.0.0/8\"].",
       trusted_proxies(), Takes::live},
      {"http.drain_timeout", "\"5s\"", "After SIGTERM, how long requests in flight may take.",
       duration<Options>([](Options& o) -> auto& { return o.drain_timeout; }, milliseconds(0)),
       Takes::live},
      {"admin.listen", "\"127.0.0.1:9093\"", "HOST:PORT of the admin listener; \"\" turns it off.",
       listen_address([](Options& o) -> auto& { return o.admin.listen; }), Takes::restart},
      {"admin.max_connections", "100",
       "Connections of the admin listener open at once; one more is answered 503 OVERLOADED.",
       count<Options>([](Options& o) -> auto& { return o.admin.max_connections; }, 1, 1'000'000),
       Takes::live},
      {"security.key_file", "",
       "The API keys that are accepted, one a line as `sojourn key new` prints it; unset: anyone "
       "may call.",
       present(path([](Options& o) -> auto& { return o.access.key_file; }), "a file"), Takes::live},
      {"security.allow_insecure", "false",
       "Let other machines reach a listener that has no API keys or no TLS.",
       boolean([](Options& o) -> auto& { return o.allow_insecure; }), Takes::live},
      {"cors.allowed_origins", "[]",
       "Whose pages may call from browsers: [\"https://shop.example\"], or [\"*\"] for all.",
       allowed_origins(), Takes::live},
      {"cors.allowed_headers",
       "[\"X-Requested-With\", \"Cache-Control\", \"traceparent\", \"tracestate\", \"baggage\"]",
       "Request headers that these pages may send beside the API's own.", allowed_headers(),
       Takes::live},
      {"store.kind", "\"lmdb\"",
       "Which store keeps the sessions: \"lmdb\", a directory of this machine, or \"redis\", a "
       "Redis or "
       "a cluster that several servers share.",
       choice<StoreKind, Options>([](Options& o) -> auto& { return o.store; },
                                  {{"lmdb", StoreKind::lmdb}, {"redis", StoreKind::redis}}),
       Takes::restart},
      {"store.lmdb.path", "\"./sojourn-data\"", "The directory of the embedded store.",
       present(path([](Options& o) -> auto& { return o.lmdb.path; }), "a directory"),
       Takes::restart},
      {"store.lmdb.map_size", "\"64GiB\"",
       "The most the store may grow to. Address space, not memory or disk.",
       size<uint64_t>([](Options& o) -> auto& { return o.lmdb.map_size; }, uint64_t{1} << 20,
                      uint64_t{1} << 46),
       Takes::restart},
      {"store.lmdb.durability", "\"sync\"",
       "\"sync\": an answer is on disk. \"interval:100ms\": a power cut may lose that much.",
       durability(), Takes::restart},
      {"store.lmdb.commit_timeout", "\"5s\"",
       "How long the disk may take to confirm a change, 100ms to 1h; then the answer is 503.",
       duration<Options>([](Options& o) -> auto& { return o.lmdb.commit_timeout; },
                         milliseconds(100), std::chrono::hours(1)),
       Takes::restart},
      {"sessions.idle_timeout", "\"30m\"", "A session ends when it was not used for this long.",
       of_default_policy("idle_timeout"), Takes::live},
      {"sessions.max_lifetime", "\"24h\"", "A session ends this long after its creation.",
       of_default_policy("max_lifetime"), Takes::live},
      {"sessions.touch_interval", "idle_timeout / 30",
       "An access is written down only when it moves expiresAt by at least this.",
       of_default_policy("touch_interval"), Takes::live},
      {"sessions.on_unknown_id", "\"create\"",
       "What GET and POST do with an unknown id: \"create\" or \"not_found\".",
       of_default_policy("on_unknown_id"), Takes::live},
      {"sessions.on_customer_conflict", "\"reject\"",
       "What POST does with another customerId: \"reject\" or \"replace\".",
       of_default_policy("on_customer_conflict"), Takes::live},
      {"sessions.max_sessions", "0",
       "Live sessions of a tenant; one more is 429 QUOTA_EXCEEDED. 0: no such limit.",
       of_default_policy("max_sessions"), Takes::live},
      {"sessions.index", "[\"customerId\", \"agentId\"]",
       "What sessions can be listed and ended by; also \"visitId\", \"globalVisitId\".", index(),
       Takes::restart},
      {"limits.client_requests", "", "Requests of a client's address, such as \"100/s burst 500\".",
       rate<Options>([](Options& o) -> auto& { return o.client_limits.requests; }), Takes::live},
      {"limits.client_creates", "",
       "Sessions that a client's address begins, asked for or by themselves.",
       rate<Options>([](Options& o) -> auto& { return o.client_limits.creates; }), Takes::live},
      {"limits.tenant_requests", "", "Requests of a tenant, such as \"100/s burst 500\".",
       of_default_policy("requests"), Takes::live},
      {"limits.tenant_creates", "", "Sessions that a tenant begins, asked for or by themselves.",
       of_default_policy("creates"), Takes::live},
      {"tenants.closed", "false",
       "Only tenants with a policy, [tenants.policy.\"ID\"], exist; others are 404.",
       boolean([](Options& o) -> auto& { return o.tenants.closed; }), Takes::live},
      {"events.retention", "\"14d\"", "How long events are kept; \"0\" turns the log off.",
       duration<Options>([](Options& o) -> auto& { return o.events.retention; }, milliseconds(0)),
       Takes::live},
      {"log.level", "\"info\"", "Lines below it are left out: \"info\", \"warning\" or \"error\".",
       choice<LogLevel, Options>(
           [](Options& o) -> auto& { return o.log.level; },
           {{"info", LogLevel::info}, {"warning", LogLevel::warning}, {"error", LogLevel::error}}),
       Takes::live},
      {"log.access", "\"off\"",
       "A line for each request (\"all\"), for one in so many (\"1/100\"), or for none.",
       access_log(), Takes::live},
      {"tenants.default", "", "The tenant meant by requests that name none.", default_tenant(),
       Takes::live},
  };
  for (auto& setting : redis_settings()) all.push_back(std::move(setting));
  for (auto& setting : tls_settings("http.tls", [](Options& o) -> auto& { return o.http.tls; })) {
    all.push_back(std::move(setting));
  }
  for (auto& setting : tls_settings("admin.tls", [](Options& o) -> auto& { return o.admin.tls; })) {
    all.push_back(std::move(setting));
  }
  return all;
}

}  // namespace

const std::map<std::string, Binding<domain::Policy>>& policy_settings() {
  using domain::Policy, std::chrono::milliseconds;
  static const std::map<std::string, Binding<domain::Policy>> all = {
      {"idle_timeout",
       duration<Policy>([](Policy& p) -> auto& { return p.idle_timeout; }, milliseconds(1))},
      {"max_lifetime",
       duration<Policy>([](Policy& p) -> auto& { return p.max_lifetime; }, milliseconds(1))},
      {"touch_interval",
       duration<Policy>([](Policy& p) -> auto& { return p.touch_interval; }, milliseconds(0))},
      {"on_unknown_id",
       choice<domain::OnUnknownId, Policy>([](Policy& p) -> auto& { return p.on_unknown_id; },
                                           {{"create", domain::OnUnknownId::create},
                                            {"not_found", domain::OnUnknownId::not_found}})},
      {"max_sessions",
       count<Policy>([](Policy& p) -> auto& { return p.max_sessions; }, 0, kMostSessions)},
      {"requests", rate<Policy>([](Policy& p) -> auto& { return p.requests; })},
      {"creates", rate<Policy>([](Policy& p) -> auto& { return p.creates; })},
      {"on_customer_conflict", choice<domain::OnCustomerConflict, Policy>(
                                   [](Policy& p) -> auto& { return p.on_customer_conflict; },
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
