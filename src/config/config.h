// Reads the options: a TOML file, then the environment, then flags; later ones win.
#pragma once

#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "config/options.h"

namespace sojourn::config {

struct Sources {
  std::optional<std::filesystem::path> file;
  // Variables of the process, as in environ. SOJOURN_SESSIONS__IDLE_TIMEOUT=2s means
  // sessions.idle_timeout; environment.h says what becomes of others that begin with SOJOURN_.
  std::vector<std::pair<std::string, std::string>> environment;
  // Flags as SECTION.KEY=VALUE, in the order given. `flag` is how it was given, for complaints.
  struct Flag {
    std::string flag;
    std::string key;
    std::string value;
  };
  std::vector<Flag> flags;
};

struct Loaded {
  Options options;
  // Sentences for the operator: nothing is wrong, but something may be other than meant.
  std::vector<std::string> warnings;
  // The file holds nothing, not even a comment. Legal at a start; at a reload it was most likely
  // caught while it was being written.
  bool file_is_empty = false;
};

// The defaults with all sources applied. The error is one sentence that names the place (file and
// line, variable or flag), the key, and what would be right: an unknown key, a wrong type or an
// impossible value never goes unnoticed.
//
// A value of the environment or a flag is TOML; what is not TOML counts as a string, and where a
// string is wanted it is taken as it stands.
std::expected<Loaded, std::string> load(const Sources& sources);

// What the server that runs with `running` runs with once `loaded` was read: options that need a
// restart stay as they are. Their keys are added to `kept` where they would have changed.
Options reloaded(const Options& running, Options loaded, std::vector<std::string>& kept);

// All options as a configuration file that load() reads to the same ones, but for secrets, which
// are masked. What is the default says so; what is not set is a comment.
std::string show(const Options& options);

// One option as the manual tells it.
struct SettingHelp {
  std::string key;
  std::string default_value;  // as it would be written in TOML, or in words; empty: unset
  std::string help;
  bool live;  // a change takes effect at SIGHUP; else at the next start
};
std::vector<SettingHelp> settings_help();

}  // namespace sojourn::config
