#include "environment.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "settings.h"

namespace sojourn::config {
namespace {

constexpr std::string_view kPrefix = "SOJOURN_";
constexpr std::string_view kTenant = "tenants.policy.";
// Letters that a slip gets wrong. More would be another word: the shortest option has eight.
constexpr size_t kSlip = 2;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// STORE__LMDB__PATH -> store.lmdb.path
std::string key_of(std::string_view name) {
  std::string key;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i, 2) == "__") {
      key.push_back('.');
      ++i;
    } else {
      key.push_back(lower(name[i]));
    }
  }
  return key;
}

std::string in_upper_case(std::string_view key) {
  std::string name;
  for (const char c : key) name.append(c == '.' ? "__" : std::string(1, upper(c)));
  return name;
}

// store.lmdb.path -> SOJOURN_STORE__LMDB__PATH
std::string variable_of(std::string_view key) { return std::string(kPrefix) + in_upper_case(key); }

// Letters and digits alone: what is left of a name when its separators are not trusted.
std::string letters_of(std::string_view text) {
  std::string letters;
  for (const char c : text) {
    if (c != '_' && c != '.') letters.push_back(lower(c));
  }
  return letters;
}

// The variable that was meant by a name with these letters, `most` of them wrong; empty: none.
std::string meant_by(const std::string& letters, size_t most) {
  const std::string tenant = letters_of(kTenant);
  if (letters.starts_with(tenant)) {
    for (const auto& [name, binding] : policy_settings()) {
      if (!letters.ends_with(letters_of(name))) continue;
      return fmt::format("{}ID__{}", variable_of(kTenant), in_upper_case(name));
    }
  }
  std::vector<std::string> all;
  for (const Setting& setting : settings()) all.push_back(letters_of(setting.key));
  Nearest nearest(letters, most);
  for (const std::string& name : all) nearest.consider(name);
  const auto at = std::ranges::find(all, nearest.best());
  if (at == all.end()) return {};
  return variable_of(settings()[static_cast<size_t>(at - all.begin())].key);
}

bool is_option(std::string_view key) {
  return key.starts_with(kTenant) ||
         std::ranges::find(settings(), key, &Setting::key) != settings().end();
}

}  // namespace

std::expected<Environment, std::string> read_environment(
    const std::vector<std::pair<std::string, std::string>>& variables) {
  Environment environment;
  for (const auto& [name, value] : variables) {
    if (!name.starts_with(kPrefix)) continue;
    const std::string_view rest = std::string_view(name).substr(kPrefix.size());
    const std::string key = key_of(rest);
    if (is_option(key) && !rest.contains('.')) {
      environment.options.push_back({name, key, value});
      continue;
    }
    const std::string letters = letters_of(rest);
    const bool has_the_form = name.find("__") != std::string::npos;
    const std::string meant =
        meant_by(letters, has_the_form ? std::max(kSlip, letters.size() / 3) : kSlip);
    if (!meant.empty()) {
      return std::unexpected(
          fmt::format("{}: unknown option {}; did you mean {}?", name, key, meant));
    }
    if (has_the_form) {
      return std::unexpected(
          fmt::format("{}: unknown option {}; `sojourn serve --help` lists all", name, key));
    }
    environment.unknown.push_back(name);
  }
  return environment;
}

}  // namespace sojourn::config
