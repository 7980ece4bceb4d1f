#include "option_arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "command_line.h"

extern char** environ;

namespace sojourn::app {
namespace {

std::string options_help() {
  std::string text =
      "\nOptions of the configuration file, of --set and of the environment "
      "(sessions.idle_timeout is SOJOURN_SESSIONS__IDLE_TIMEOUT). SIGHUP reads them anew:\n";
  for (const auto& setting : config::settings_help()) {
    text += fmt::format("  {} = {}\n      {}{}\n", setting.key,
                        setting.default_value.empty() ? "(unset)" : setting.default_value,
                        setting.help, setting.live ? "" : " (restart)");
  }
  return text;
}

}  // namespace

void OptionArguments::add_to(CLI::App& command) {
  command_ = &command;
  command.add_option("--config", config_file, "Read options from this TOML file")
      ->check(names_a_path());
  command.add_option("--listen", listen, "HOST:PORT of the public listener");
  command.add_option("--admin-listen", admin_listen,
                     "HOST:PORT of the admin listener; \"\" turns it off");
  command.add_option("--data", data, "Directory of the embedded store")->check(names_a_path());
  command.add_option("--set", sets, "Set one option: SECTION.KEY=VALUE")->allow_extra_args(false);
  command.footer(options_help);
}

std::expected<config::Sources, std::string> OptionArguments::sources() const {
  config::Sources sources;
  if (!config_file.empty()) sources.file = config_file;
  for (char** variable = environ; *variable; ++variable) {
    const std::string_view text(*variable);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    sources.environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const std::string& set : sets) {
    const size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      return std::unexpected(fmt::format("--set {}: write it as SECTION.KEY=VALUE", set));
    }
    sources.flags.push_back({"--set", set.substr(0, equals), set.substr(equals + 1)});
  }
  const auto add = [&](const char* flag, const char* key, const std::string& value) {
    if (command_->count(flag) > 0) sources.flags.push_back({flag, key, value});
  };
  add("--listen", "http.listen", listen);
  add("--admin-listen", "admin.listen", admin_listen);
  add("--data", "store.lmdb.path", data);
  return sources;
}

}  // namespace sojourn::app
