// sojourn key, as the command line has it.
#include <CLI/CLI.hpp>
#include <memory>

#include "command_line.h"
#include "new_key.h"

namespace sojourn::app {

void add_key_commands(CLI::App& app, Command& chosen) {
  CLI::App* key = app.add_subcommand("key", "Make API keys.");
  key->require_subcommand(1);
  CLI::App* command = key->add_subcommand(
      "new", "Print a new key, shown once, and its line for the key file (security.key_file).");
  const auto arguments = std::make_shared<NewKeyArguments>();
  command->add_option("--name", arguments->name, "What logs call its holder")->required();
  command
      ->add_option("--tenants", arguments->tenants,
                   "Whose sessions it is for: TENANT,... or '*' for all")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option("--scopes", arguments->scopes,
                   "What it is for: some of read,write,end,events,admin")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--expires", arguments->expires,
                      "When it ends, such as 2027-01-01T00:00:00Z; default: never");
  command->add_option("--file", arguments->file, "Add the line to this key file")
      ->check(names_a_path());
  command->callback([&chosen, arguments] { chosen = [arguments] { return new_key(*arguments); }; });
}

}  // namespace sojourn::app
