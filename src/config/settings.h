// The table of options: every key, its type, its bounds and where its value goes.
#pragma once

#include <expected>
#include <functional>
#include <map>
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

// Takes a value into the options, or says what would be right.
using Apply = std::function<std::expected<void, std::string>(Options&, const Value&)>;

struct Setting {
  std::string key;
  std::string default_value;
  std::string help;
  Apply apply;
};

const std::vector<Setting>& settings();

// The options that a tenant's policy may set, by their names below sessions.* and below
// tenants.policy."ID".*
using ApplyToPolicy =
    std::function<std::expected<void, std::string>(domain::Policy&, const Value&)>;
const std::map<std::string, ApplyToPolicy>& policy_settings();

}  // namespace sojourn::config
