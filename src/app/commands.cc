#include "app/commands.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>
#include <sstream>

#include "command_line.h"
#include "console.h"
#include "fatal_signals.h"

namespace sojourn::app {
namespace {

std::string trimmed_end(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

// Reads the arguments and does what they ask.
int carry_out(int argc, char** argv) {
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
      say("sojourn " SOJOURN_VERSION "\n");
      return 0;
    };
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream help, complaint;
    const bool is_help = app.exit(error, help, complaint) == 0;
    say(help.str());
    if (!complaint.str().empty()) note(trimmed_end(complaint.str()));
    return is_help ? 0 : kWrongArguments;
  }
  return chosen();
}

}  // namespace

int run(int argc, char** argv) {
  // Writing to a pipe that nobody reads is an error to be told, and no reason to end in the middle.
  std::signal(SIGPIPE, SIG_IGN);
  explain_fatal_signals();
  try {
    const int code = carry_out(argc, argv);
    if (code == 0 && !results_are_out()) return kFailed;
    return code;
  } catch (const std::exception& error) {
    complain(error.what());
    return kFailed;
  }
}

CLI::Validator names_a_path() {
  return {[](const std::string& path) {
            return path.empty() ? std::string("a path is expected, and it is empty")
                                : std::string();
          },
          ""};
}

}  // namespace sojourn::app
