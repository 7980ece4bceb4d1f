#include "app/commands.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "command_line.h"

namespace sojourn::app {

int run(int argc, char** argv) {
  CLI::App app("Sojourn, a session server: the Session Management API of a knowledge center.",
               "sojourn");
  app.require_subcommand(1);
  Command chosen;
  add_serve_command(app, chosen);
  add_config_commands(app, chosen);
  add_data_commands(app, chosen);
  add_key_commands(app, chosen);
  app.add_subcommand("version", "Print the version.")->callback([&chosen] {
    chosen = [] {
      fmt::print("sojourn {}\n", SOJOURN_VERSION);
      return 0;
    };
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongArguments;
  }
  return chosen();
}

}  // namespace sojourn::app
