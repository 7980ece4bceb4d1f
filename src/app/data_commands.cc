// The commands about a data directory, as the command line has them.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "check.h"
#include "command_line.h"

namespace sojourn::app {
namespace {

using Text = std::shared_ptr<std::string>;

Text data_option(CLI::App& command) {
  auto data = std::make_shared<std::string>("./sojourn-data");
  command.add_option("--data", *data, "Directory of the embedded store")->capture_default_str();
  return data;
}

void add_check(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand(
      "check", "Check a data directory, in use or not: every table against every other.");
  const Text data = data_option(*command);
  command->callback([&chosen, data] { chosen = [data] { return check(*data); }; });
}

}  // namespace

void add_data_commands(CLI::App& app, Command& chosen) { add_check(app, chosen); }

}  // namespace sojourn::app
