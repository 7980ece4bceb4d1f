// sojourn config check and sojourn config show: what sojourn serve would run with.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "command_line.h"
#include "live_options.h"
#include "option_arguments.h"

namespace sojourn::app {
namespace {

std::expected<config::Options, std::string> load(const OptionArguments& arguments) {
  const auto sources = arguments.sources();
  if (!sources) return std::unexpected(sources.error());
  return config::load(*sources);
}

int complain(const std::string& reason) {
  fmt::print(stderr, "sojourn: {}\n", reason);
  return kWrongArguments;
}

// Reads the files that the options name too, as the start and SIGHUP do.
int check_config(const OptionArguments& arguments) {
  const auto options = load(arguments);
  if (!options) return complain(options.error());
  const auto live = make_live(*options);
  if (!live) return complain(live.error());
  for (const std::string& warning : live->warnings) {
    fmt::print(stderr, "sojourn: warning: {}\n", warning);
  }
  fmt::print("OK\n");
  return 0;
}

int show_config(const OptionArguments& arguments) {
  const auto options = load(arguments);
  if (!options) return complain(options.error());
  fmt::print("{}", config::show(*options));
  return 0;
}

void add(CLI::App& config, const char* name, const char* help,
         int (*run)(const OptionArguments& arguments), Command& chosen) {
  CLI::App* command = config.add_subcommand(name, help);
  const auto arguments = std::make_shared<OptionArguments>();
  arguments->add_to(*command);
  command->callback([&chosen, arguments, run] { chosen = [=] { return run(*arguments); }; });
}

}  // namespace

void add_config_commands(CLI::App& app, Command& chosen) {
  CLI::App* config = app.add_subcommand("config", "Look at the options without serving.");
  config->require_subcommand(1);
  add(*config, "check", "Say OK, or what serve or SIGHUP would refuse.", check_config, chosen);
  add(*config, "show", "Print all options in effect, as a configuration file.", show_config,
      chosen);
}

}  // namespace sojourn::app
