// The arguments that say where options come from; serve and config take the same.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "config/config.h"

namespace CLI {
class App;
}

namespace sojourn::app {

struct OptionArguments {
  std::string config_file;
  std::string listen;
  std::string admin_listen;
  std::string data;
  std::vector<std::string> sets;

  // `command` outlives its arguments' use, and this object the reading of them.
  void add_to(CLI::App& command);

  // File, environment and flags. The error is a sentence about the arguments.
  std::expected<config::Sources, std::string> sources() const;

 private:
  CLI::App* command_ = nullptr;
};

}  // namespace sojourn::app
