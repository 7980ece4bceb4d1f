// Which variables of the process are options: SOJOURN_SESSIONS__IDLE_TIMEOUT is
// sessions.idle_timeout.
#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

namespace sojourn::config {

struct Environment {
  struct Option {
    std::string variable;
    std::string key;
    std::string value;
  };
  std::vector<Option> options;
  // Variables that begin with SOJOURN_ and resemble no option. They are ignored: other programs set
  // such names too, for example Kubernetes for a service that is called sojourn.
  std::vector<std::string> unknown;
};

// `variables` are those of the process, as in environ. The error is one sentence: a name that was
// meant as an option and is none must not be ignored, because it may be the one that turns API keys
// on. That is a name with "__" in it, and one that differs from an option only in its underscores
// or by a slip.
std::expected<Environment, std::string> read_environment(
    const std::vector<std::pair<std::string, std::string>>& variables);

}  // namespace sojourn::config
