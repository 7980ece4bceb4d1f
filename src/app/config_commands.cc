// sojourn config check and sojourn config show: what sojourn serve would run with.
#include <CLI/CLI.hpp>
#include <memory>

#include "command_line.h"
#include "console.h"
#include "descriptors.h"
#include "live_options.h"
#include "open_store.h"
#include "option_arguments.h"

namespace sojourn::app {
namespace {

int refuse(const std::string& reason) {
  complain(reason);
  return kWrongArguments;
}

void warn(const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) complain("warning: " + warning);
}

std::expected<config::Loaded, std::string> load(const OptionArguments& arguments) {
  const auto sources = arguments.sources();
  if (!sources) return std::unexpected(sources.error());
  return config::load(*sources);
}

// Reads the files that the options name too, as the start and SIGHUP do.
int check_config(const OptionArguments& arguments) {
  const auto loaded = load(arguments);
  if (!loaded) return refuse(loaded.error());
  const auto live = make_live(*loaded, raise_descriptor_limit());
  if (!live) return refuse(live.error());
  if (const auto store = check_store_options(loaded->options); !store) return refuse(store.error());
  warn(live->warnings);
  warn(live->security_warnings);
  say("OK\n");
  return 0;
}

int show_config(const OptionArguments& arguments) {
  const auto loaded = load(arguments);
  if (!loaded) return refuse(loaded.error());
  warn(loaded->warnings);
  say(config::show(loaded->options));
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
