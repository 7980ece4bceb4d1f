#include "config/config.h"

#include <fmt/format.h>

#include <toml++/toml.h>

#include <algorithm>

#include "settings.h"

namespace sojourn::config {
namespace {

// One value on its way into the options.
struct Given {
  std::string where;  // "sojourn.toml:3", "SOJOURN_HTTP__LISTEN", "--set"
  std::string key;
  Value value;
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

// A value that came as plain text: TOML if it is, a string if not.
Value value_of_text(const std::string& text) {
  Value value;
  // A line break would end the value and begin another key.
  if (text.find_first_of("\r\n") == std::string::npos) {
    try {
      value = value_of(*toml::parse("value = " + text).get("value"));
    } catch (const toml::parse_error&) {
      // No TOML: a bare word.
    }
  }
  if (value.kind != Value::Kind::string) {
    value.text = text;
    value.is_plain = true;
  }
  return value;
}

void flatten(const std::string& file, const std::string& prefix, const toml::table& table,
             std::vector<Given>& out) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const auto* inner = node.as_table()) {
      flatten(file, key + '.', *inner, out);
    } else {
      out.push_back({fmt::format("{}:{}", file, name.source().begin.line), key, value_of(node)});
    }
  }
}

std::expected<void, std::string> read_file(const std::filesystem::path& path,
                                           std::vector<Given>& out) {
  try {
    flatten(path.string(), "", toml::parse_file(path.string()), out);
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        fmt::format("{}:{}: {}", path.string(), error.source().begin.line, error.description()));
  }
  return {};
}

// SOJOURN_STORE__LMDB__PATH -> store.lmdb.path; nothing when the variable is not ours.
std::string key_of_variable(std::string_view name) {
  constexpr std::string_view kPrefix = "SOJOURN_";
  if (!name.starts_with(kPrefix) || name.find("__") == std::string_view::npos) return {};
  name.remove_prefix(kPrefix.size());
  std::string key;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i, 2) == "__") {
      key.push_back('.');
      ++i;
    } else {
      key.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(name[i]))));
    }
  }
  return key;
}

// The known key with the fewest letters to change, if that is few enough to be meant.
std::string nearest_key(const std::string& key) {
  const auto distance = [](const std::string& a, const std::string& b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (size_t i = 1; i <= a.size(); ++i) {
      size_t diagonal = std::exchange(row[0], i);
      for (size_t j = 1; j <= b.size(); ++j) {
        const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
      }
    }
    return row.back();
  };
  std::string best;
  size_t least = std::max<size_t>(2, key.size() / 3) + 1;
  if (key.size() > 200) return best;
  for (const Setting& setting : settings()) {
    const size_t d = distance(key, setting.key);
    if (d < least) {
      least = d;
      best = setting.key;
    }
  }
  return best;
}

std::expected<void, std::string> apply(Options& options, const Given& given) {
  const auto& all = settings();
  const auto setting = std::ranges::find(all, given.key, &Setting::key);
  if (setting == all.end()) {
    const std::string nearest = nearest_key(given.key);
    return std::unexpected(fmt::format("{}: unknown option {}{}", given.where, given.key,
                                       nearest.empty() ? "; `sojourn serve --help` lists all"
                                                       : "; did you mean " + nearest + "?"));
  }
  if (const auto applied = setting->apply(options, given.value); !applied) {
    return std::unexpected(
        fmt::format("{}: bad value for {}: {}", given.where, given.key, applied.error()));
  }
  return {};
}

// What no single value can show.
std::expected<void, std::string> check_together(const Options& options,
                                                const std::string& touch_where) {
  const domain::Policy& policy = options.tenants.policy;
  if (policy.touch_interval >= policy.idle_timeout) {
    return std::unexpected(
        fmt::format("{}: bad value for sessions.touch_interval: less than sessions.idle_timeout "
                    "({}ms) is wanted, or no access would ever be counted",
                    touch_where, policy.idle_timeout.count()));
  }
  return {};
}

}  // namespace

std::expected<Options, std::string> load(const Sources& sources) {
  std::vector<Given> given;
  if (sources.file) {
    if (auto read = read_file(*sources.file, given); !read) {
      return std::unexpected(std::move(read.error()));
    }
  }
  for (const auto& [name, value] : sources.environment) {
    const std::string key = key_of_variable(name);
    if (!key.empty()) given.push_back({name, key, value_of_text(value)});
  }
  for (const auto& flag : sources.flags) {
    given.push_back({flag.flag, flag.key, value_of_text(flag.value)});
  }

  Options options;
  std::string touch_where;
  for (const Given& one : given) {
    if (auto applied = apply(options, one); !applied) {
      return std::unexpected(std::move(applied.error()));
    }
    if (one.key == "sessions.touch_interval") touch_where = one.where;
  }
  domain::Policy& policy = options.tenants.policy;
  if (touch_where.empty()) {
    policy.touch_interval = domain::Policy::default_touch_interval(policy.idle_timeout);
  }
  if (auto checked = check_together(options, touch_where); !checked) {
    return std::unexpected(std::move(checked.error()));
  }
  return options;
}

std::vector<SettingHelp> settings_help() {
  std::vector<SettingHelp> all;
  for (const Setting& setting : settings()) {
    all.push_back({setting.key, setting.default_value, setting.help});
  }
  return all;
}

}  // namespace sojourn::config
