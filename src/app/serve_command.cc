// sojourn serve, as the command line has it.
#include <CLI/CLI.hpp>
#include <memory>

#include "command_line.h"
#include "console.h"
#include "option_arguments.h"
#include "serve.h"

namespace sojourn::app {
namespace {

int run_serve(const OptionArguments& arguments) {
  const auto sources = arguments.sources();
  if (!sources) {
    complain(sources.error());
    return kWrongArguments;
  }
  const auto load = [&] { return config::load(*sources); };
  const auto loaded = load();
  if (!loaded) {
    complain(loaded.error());
    return kWrongArguments;
  }
  if (const auto served = serve(*loaded, load); !served) {
    complain(served.error());
    return kFailed;
  }
  return 0;
}

}  // namespace

void add_serve_command(CLI::App& app, Command& chosen) {
  CLI::App* serve = app.add_subcommand("serve", "Serve the API until SIGTERM or SIGINT.");
  const auto arguments = std::make_shared<OptionArguments>();
  arguments->add_to(*serve);
  serve->callback([&chosen, arguments] { chosen = [arguments] { return run_serve(*arguments); }; });
}

}  // namespace sojourn::app
