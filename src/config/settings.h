// The table of options: every key, its type, its bounds and where its value goes.
#pragma once

#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/options.h"

namespace sojourn::config {

// A value as TOML has it, without the TOML library's types.
struct Value {
  enum class Kind { string, integer, boolean, strings, table, other };
  Kind kind = Kind::other;
  std::string text;  // of a string; of any kind, when it came as plain text (environment, flag)
  bool is_plain = false;
  int64_t integer = 0;
  bool boolean = false;
  std::vector<std::string> strings;
};

// Where an option lives, and how it is written.
template <class Of>
struct Binding {
  // Takes a value in, or says what would be right.
  std::function<std::expected<void, std::string>(Of&, const Value&)> apply;
  // As TOML that apply() takes; nothing: it is not set. Never shows a secret.
  std::function<std::optional<std::string>(const Of&)> show;
  std::function<bool(const Of&, const Of&)> same;
  std::function<void(Of& to, const Of& from)> copy;
};

// When a changed option takes effect.
enum class Takes {
  live,     // at SIGHUP
  restart,  // at the next start
};

struct Setting {
  std::string key;
  std::string default_value;
  std::string help;
  Binding<Options> binding;
  Takes takes = Takes::restart;
};

const std::vector<Setting>& settings();

// The options that a tenant's policy may set, by their names below sessions.* and below
// tenants.policy."ID".*
const std::map<std::string, Binding<domain::Policy>>& policy_settings();

}  // namespace sojourn::config
