#include "app/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "check.h"
#include "config/config.h"
#include "new_key.h"
#include "serve.h"

extern char** environ;

namespace sojourn::app {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongArguments = 2;

struct ServeArguments {
  std::string config_file;
  std::string listen;
  std::string admin_listen;
  std::string data;
  std::vector<std::string> sets;
};

std::string options_help() {
  std::string text =
      "\nOptions of the configuration file, of --set and of the environment "
      "(sessions.idle_timeout is SOJOURN_SESSIONS__IDLE_TIMEOUT):\n";
  for (const auto& setting : config::settings_help()) {
    text += fmt::format("  {} = {}\n      {}\n", setting.key,
                        setting.default_value.empty() ? "(unset)" : setting.default_value,
                        setting.help);
  }
  return text;
}

std::expected<config::Sources, std::string> sources_of(const CLI::App& serve,
                                                       const ServeArguments& arguments) {
  config::Sources sources;
  if (!arguments.config_file.empty()) sources.file = arguments.config_file;
  for (char** variable = environ; *variable; ++variable) {
    const std::string_view text(*variable);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    sources.environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const std::string& set : arguments.sets) {
    const size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      return std::unexpected(fmt::format("--set {}: write it as SECTION.KEY=VALUE", set));
    }
    sources.flags.push_back({"--set", set.substr(0, equals), set.substr(equals + 1)});
  }
  const auto add = [&](const char* flag, const char* key, const std::string& value) {
    if (serve.count(flag) > 0) sources.flags.push_back({flag, key, value});
  };
  add("--listen", "http.listen", arguments.listen);
  add("--admin-listen", "admin.listen", arguments.admin_listen);
  add("--data", "store.lmdb.path", arguments.data);
  return sources;
}

int run_serve(const CLI::App& command, const ServeArguments& arguments) {
  const auto sources = sources_of(command, arguments);
  if (!sources) {
    fmt::print(stderr, "sojourn: {}\n", sources.error());
    return kWrongArguments;
  }
  const auto load = [&] { return config::load(*sources); };
  const auto options = load();
  if (!options) {
    fmt::print(stderr, "sojourn: {}\n", options.error());
    return kWrongArguments;
  }
  if (const auto served = serve(*options, load); !served) {
    fmt::print(stderr, "sojourn: {}\n", served.error());
    return kFailed;
  }
  return 0;
}

}  // namespace

int run(int argc, char** argv) {
  CLI::App app("Sojourn, a session server: the Session Management API of a knowledge center.",
               "sojourn");
  app.require_subcommand(1);

  ServeArguments arguments;
  CLI::App* serve = app.add_subcommand("serve", "Serve the API until SIGTERM or SIGINT.");
  serve->add_option("--config", arguments.config_file, "Read options from this TOML file");
  serve->add_option("--listen", arguments.listen, "HOST:PORT of the public listener");
  serve->add_option("--admin-listen", arguments.admin_listen,
                    "HOST:PORT of the admin listener; \"\" turns it off");
  serve->add_option("--data", arguments.data, "Directory of the embedded store");
  serve->add_option("--set", arguments.sets, "Set one option: SECTION.KEY=VALUE")
      ->allow_extra_args(false);
  serve->footer(options_help);
  std::string data = "./sojourn-data";
  CLI::App* check_command = app.add_subcommand(
      "check", "Check a data directory, in use or not: every table against every other.");
  check_command->add_option("--data", data, "Directory of the embedded store")
      ->capture_default_str();
  NewKeyArguments key;
  CLI::App* key_command = app.add_subcommand("key", "Make API keys.");
  key_command->require_subcommand(1);
  CLI::App* new_key_command = key_command->add_subcommand(
      "new", "Print a new key, shown once, and its line for the key file (security.key_file).");
  new_key_command->add_option("--name", key.name, "What logs call its holder")->required();
  new_key_command
      ->add_option("--tenants", key.tenants, "Whose sessions it is for: TENANT,... or '*' for all")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false);
  new_key_command
      ->add_option("--scopes", key.scopes, "What it is for: some of read,write,end,events,admin")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false);
  new_key_command->add_option("--expires", key.expires,
                              "When it ends, such as 2027-01-01T00:00:00Z; default: never");
  new_key_command->add_option("--file", key.file, "Add the line to this key file");
  CLI::App* version = app.add_subcommand("version", "Print the version.");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongArguments;
  }
  if (version->parsed()) {
    fmt::print("sojourn {}\n", SOJOURN_VERSION);
    return 0;
  }
  if (check_command->parsed()) return check(data);
  if (new_key_command->parsed()) return new_key(key);
  return run_serve(*serve, arguments);
}

}  // namespace sojourn::app
