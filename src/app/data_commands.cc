// The commands about a data directory, as the command line has them.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "backup.h"
#include "check.h"
#include "command_line.h"
#include "config/units.h"
#include "export.h"

namespace sojourn::app {
namespace {

using Text = std::shared_ptr<std::string>;

Text data_option(CLI::App& command) {
  auto data = std::make_shared<std::string>("./sojourn-data");
  command.add_option("--data", *data, "Directory of the embedded store")
      ->capture_default_str()
      ->check(names_a_path());
  return data;
}

// How long a command that reads a store may get nowhere (stall_limit.h).
std::shared_ptr<Duration> stall_option(CLI::App& command) {
  auto limit = std::make_shared<Duration>(std::chrono::minutes(5));
  command
      .add_option_function<std::string>(
          "--stall-timeout",
          [limit](const std::string& text) { *limit = *config::parse_duration(text); },
          "Give up when it comes less than 1 MiB further in this time")
      ->check([](const std::string& text) {
        const auto duration = config::parse_duration(text);
        if (!duration) return duration.error();
        return *duration > Duration(0) ? std::string() : std::string("more than 0 is wanted");
      })
      ->default_str("5m");
  return limit;
}

void add_check(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand(
      "check", "Check a data directory, in use or not: every table against every other.");
  const Text data = data_option(*command);
  command->callback([&chosen, data] { chosen = [data] { return check(*data); }; });
}

void add_backup(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand(
      "backup", "Copy a data directory, in use or not, to a new one: one moment, checked.");
  const Text data = data_option(*command);
  const Text target = std::make_shared<std::string>();
  command->add_option("TARGET", *target, "A new or empty directory")
      ->required()
      ->check(names_a_path());
  const auto limit = stall_option(*command);
  command->callback([=, &chosen] { chosen = [=] { return backup(*data, *target, *limit); }; });
}

void add_restore(CLI::App& app, Command& chosen) {
  CLI::App* command =
      app.add_subcommand("restore", "Make a new data directory of what backup wrote.");
  const Text data = std::make_shared<std::string>();
  const Text from = std::make_shared<std::string>();
  command->add_option("BACKUP", *from, "The directory that backup wrote")
      ->required()
      ->check(names_a_path());
  command->add_option("--data", *data, "A new or empty directory")
      ->required()
      ->check(names_a_path());
  command->callback([=, &chosen] { chosen = [=] { return restore(*from, *data); }; });
}

void add_export(CLI::App& app, Command& chosen) {
  CLI::App* command = app.add_subcommand(
      "export", "Write the sessions of a data directory, in use or not, as lines of JSON.");
  const Text data = data_option(*command);
  const Text output = std::make_shared<std::string>();
  command->add_option("--output", *output, "A file; default: standard output")
      ->check(names_a_path());
  const auto limit = stall_option(*command);
  command->callback(
      [=, &chosen] { chosen = [=] { return export_sessions(*data, *output, *limit); }; });
}

void add_import(CLI::App& app, Command& chosen) {
  CLI::App* command =
      app.add_subcommand("import", "Make a new data directory of what export wrote.");
  const Text data = std::make_shared<std::string>();
  const Text input = std::make_shared<std::string>();
  command->add_option("FILE", *input, "What export wrote; default: standard input")
      ->check(names_a_path());
  command->add_option("--data", *data, "A new or empty directory")
      ->required()
      ->check(names_a_path());
  command->callback([=, &chosen] { chosen = [=] { return import_sessions(*input, *data); }; });
}

}  // namespace

void add_data_commands(CLI::App& app, Command& chosen) {
  add_check(app, chosen);
  add_backup(app, chosen);
  add_restore(app, chosen);
  add_export(app, chosen);
  add_import(app, chosen);
}

}  // namespace sojourn::app
