#include "config/config.h"

#include <fmt/format.h>

#include <toml++/toml.h>

#include <algorithm>
#include <map>

#include "base/file.h"
#include "base/nearest.h"
#include "environment.h"
#include "settings.h"

namespace sojourn::config {
namespace {

// Thousands of tenants with a policy of their own fit.
constexpr size_t kMaxConfigFileBytes = 16UL * 1024 * 1024;

// One value on its way into the options.
struct Given {
  std::string where;              // "sojourn.toml:3", "SOJOURN_HTTP__LISTEN", "--set"
  std::vector<std::string> path;  // "http", "listen"
  Value value;

  std::string key() const { return fmt::format("{}", fmt::join(path, ".")); }
  // [tenants.policy."ID"]: `path` is "tenants", "policy", ID and the name of the option; without a
  // name it says only that there is such a tenant.
  bool is_of_tenant() const {
    return (path.size() == 3 || path.size() == 4) && path[0] == "tenants" && path[1] == "policy";
  }
};

Value value_of(const toml::node& node) {
  Value value;
  if (const auto* text = node.as_string()) {
    value.kind = Value::Kind::string;
    value.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = Value::Kind::integer;
    value.integer = integer->get();
  } else if (const auto* boolean = node.as_boolean()) {
    value.kind = Value::Kind::boolean;
    value.boolean = boolean->get();
  } else if (node.is_table()) {
    value.kind = Value::Kind::table;
  } else if (const auto* array = node.as_array()) {
    value.kind = Value::Kind::strings;
    for (const toml::node& element : *array) {
      const auto* string = element.as_string();
      if (!string) return {};
      value.strings.push_back(string->get());
    }
  }
  return value;
}

// One value for each leaf of the table. `at` is the place of all, or the file that the lines are
// of.
void flatten(const std::string& at, bool is_file, const std::vector<std::string>& path,
             const toml::table& table, std::vector<Given>& out) {
  for (const auto& [name, node] : table) {
    std::vector<std::string> inner_path = path;
    inner_path.emplace_back(name.str());
    Given given{is_file ? fmt::format("{}:{}", at, name.source().begin.line) : at,
                std::move(inner_path), value_of(node)};
    const auto* inner = node.as_table();
    if (!inner || given.is_of_tenant()) out.push_back(given);
    if (inner) flatten(at, is_file, given.path, *inner, out);
  }
}

std::expected<void, std::string> read_toml(const std::filesystem::path& path,
                                           std::vector<Given>& out, bool& empty) {
  const auto text = read_file(path, kMaxConfigFileBytes);
  if (!text) {
    return std::unexpected(
        fmt::format("{}: cannot read the options: {}", path.string(), text.error()));
  }
  empty = text->find_first_not_of(" \t\r\n") == std::string::npos;
  try {
    flatten(path.string(), true, {}, toml::parse(*text, path.string()), out);
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        fmt::format("{}:{}: {}", path.string(), error.source().begin.line, error.description()));
  }
  return {};
}

std::string ignored(const std::vector<std::string>& variables) {
  constexpr size_t kMostNamed = 10;
  const size_t named = std::min(variables.size(), kMostNamed);
  return fmt::format(
      "Environment variables that are no options are ignored: {}{}.",
      fmt::join(variables.begin(), variables.begin() + static_cast<ptrdiff_t>(named), ", "),
      named == variables.size() ? "" : fmt::format(" and {} more", variables.size() - named));
}

// A value that came as plain text: TOML if it is, a string if not.
std::expected<void, std::string> read_text(const std::string& where, const std::string& key,
                                           const std::string& text, std::vector<Given>& out) {
  const size_t first = out.size();
  const auto read = [&](const std::string& value) {
    try {
      flatten(where, false, {}, toml::parse(key + " = " + value), out);
      return true;
    } catch (const toml::parse_error&) {
      return false;
    }
  };
  // A line break would end the value and begin another key.
  const bool one_line = (key + text).find_first_of("\r\n") == std::string::npos;
  const bool is_toml = one_line && read(text);
  if (!is_toml && !(one_line && read("0"))) {
    return std::unexpected(fmt::format("{}: {} is no key; write it as SECTION.KEY", where, key));
  }
  const auto is_value = [](const Given& given) { return given.value.kind != Value::Kind::table; };
  const auto values =
      std::count_if(out.begin() + static_cast<ptrdiff_t>(first), out.end(), is_value);
  if (values != 1) return {};  // an inline table: each of its values is TOML
  Value& value = out.back().value;
  if (!is_toml) value = Value{};
  if (value.kind != Value::Kind::string) {
    value.text = text;
    value.is_plain = true;
  }
  return {};
}

// The known key with the fewest letters to change, if that is few enough to be meant.
std::string nearest_key(const std::string& key) {
  Nearest nearest(key);
  for (const Setting& setting : settings()) nearest.consider(setting.key);
  return std::string(nearest.best());
}

std::expected<void, std::string> apply(Options& options, const Given& given) {
  const std::string key = given.key();
  const auto& all = settings();
  const auto setting = std::ranges::find(all, key, &Setting::key);
  if (setting == all.end()) {
    const std::string nearest = nearest_key(key);
    return std::unexpected(fmt::format("{}: unknown option {}{}", given.where, key,
                                       nearest.empty() ? "; `sojourn serve --help` lists all"
                                                       : "; did you mean " + nearest + "?"));
  }
  if (const auto applied = setting->binding.apply(options, given.value); !applied) {
    return std::unexpected(
        fmt::format("{}: bad value for {}: {}", given.where, key, applied.error()));
  }
  return {};
}

// What no single value can show.
std::expected<void, std::string> check(const domain::Policy& policy, const std::string& where) {
  if (policy.touch_interval < policy.idle_timeout) return {};
  return std::unexpected(fmt::format(
      "{}: bad value for sessions.touch_interval ({}ms): less than the idle_timeout ({}ms) "
      "is wanted, or no access would ever be counted",
      where, policy.touch_interval.count(), policy.idle_timeout.count()));
}

std::expected<void, std::string> check(const http::TlsOptions& tls, const std::string& section) {
  const auto missing = [&](const char* given, const char* absent, const char* why) {
    return std::unexpected(
        fmt::format("{0}.{1} is set and {0}.{2} is not; {3}", section, given, absent, why));
  };
  if (tls.enabled() && tls.key.empty()) {
    return missing("certificate", "key", "TLS needs both");
  }
  if (!tls.enabled() && !tls.key.empty()) {
    return missing("key", "certificate", "TLS needs both");
  }
  if (!tls.enabled() && !tls.client_ca.empty()) {
    return missing("client_ca", "certificate", "clients show certificates over TLS only");
  }
  if (tls.client_auth && tls.client_ca.empty()) {
    return missing("client_auth", "client_ca", "name the CAs whose certificates clients show");
  }
  return {};
}

// The policies of single tenants: what they do not say is as for all.
std::expected<void, std::string> apply_tenant_policies(Options& options,
                                                       const std::vector<Given>& given,
                                                       bool touch_interval_is_given) {
  std::map<domain::TenantId, std::string> touched;  // where a touch_interval of its own was given
  std::map<domain::TenantId, std::string> last_place;
  for (const Given& one : given) {
    if (!one.is_of_tenant()) continue;
    const auto tenant = domain::TenantId::parse(one.path[2]);
    if (!tenant) {
      return std::unexpected(fmt::format("{}: bad tenant in [tenants.policy.\"{}\"]: {}", one.where,
                                         one.path[2], tenant.error().detail));
    }
    auto& policies = options.tenants.policies;
    auto& policy = policies.try_emplace(*tenant, options.tenants.policy).first->second;
    last_place[*tenant] = one.where;
    if (one.path.size() == 3) {
      if (one.value.kind == Value::Kind::table) continue;
      return std::unexpected(
          fmt::format("{}: bad value for {}: a table is wanted, as in "
                      "[tenants.policy.\"{}\"]",
                      one.where, one.key(), one.path[2]));
    }
    const auto setting = policy_settings().find(one.path[3]);
    if (setting == policy_settings().end()) {
      std::string names;
      for (const auto& [name, apply_to_policy] : policy_settings()) {
        names += (names.empty() ? "" : ", ") + name;
      }
      return std::unexpected(fmt::format("{}: unknown option {}; a tenant's policy may set {}",
                                         one.where, one.key(), names));
    }
    if (const auto applied = setting->second.apply(policy, one.value); !applied) {
      return std::unexpected(
          fmt::format("{}: bad value for {}: {}", one.where, one.key(), applied.error()));
    }
    if (one.path[3] == "touch_interval") touched[*tenant] = one.where;
  }
  for (auto& [tenant, policy] : options.tenants.policies) {
    if (!touch_interval_is_given && !touched.contains(tenant)) {
      policy.touch_interval = domain::Policy::default_touch_interval(policy.idle_timeout);
    }
    if (auto checked = check(policy, last_place[tenant]); !checked) return checked;
  }
  return {};
}

}  // namespace

std::expected<Loaded, std::string> load(const Sources& sources) {
  std::vector<Given> given;
  std::expected<void, std::string> done;
  Loaded loaded;
  if (sources.file) done = read_toml(*sources.file, given, loaded.file_is_empty);
  const auto environment = read_environment(sources.environment);
  if (done && !environment) return std::unexpected(environment.error());
  if (done) {
    for (const auto& [variable, key, value] : environment->options) {
      if (done) done = read_text(variable, key, value, given);
    }
  }
  for (const auto& flag : sources.flags) {
    if (done) done = read_text(flag.flag, flag.key, flag.value, given);
  }
  if (!done) return std::unexpected(std::move(done.error()));
  if (loaded.file_is_empty) {
    loaded.warnings.push_back(
        fmt::format("{} is empty, so it sets no option; a comment in it says that this is meant.",
                    sources.file->string()));
  }
  if (!environment->unknown.empty()) loaded.warnings.push_back(ignored(environment->unknown));

  Options& options = loaded.options;
  std::string touch_where;
  for (const Given& one : given) {
    if (one.is_of_tenant()) continue;
    if (done = apply(options, one); !done) return std::unexpected(std::move(done.error()));
    if (one.key() == "sessions.touch_interval") touch_where = one.where;
  }
  domain::Policy& policy = options.tenants.policy;
  if (touch_where.empty()) {
    policy.touch_interval = domain::Policy::default_touch_interval(policy.idle_timeout);
  }
  done = check(policy, touch_where);
  if (done) done = apply_tenant_policies(options, given, !touch_where.empty());
  if (done) done = check(options.http.tls, "http.tls");
  if (done) done = check(options.admin.tls, "admin.tls");
  if (!done) return std::unexpected(std::move(done.error()));
  return loaded;
}

std::vector<SettingHelp> settings_help() {
  std::vector<SettingHelp> all;
  for (const Setting& setting : settings()) {
    all.push_back({.key = setting.key,
                   .default_value = setting.default_value,
                   .help = setting.help,
                   .live = setting.takes == Takes::live});
  }
  return all;
}

}  // namespace sojourn::config
