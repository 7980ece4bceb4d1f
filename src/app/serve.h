// sojourn serve: builds the parts, starts them, reloads at SIGHUP, drains and stops at SIGTERM or
// SIGINT.
#pragma once

#include <expected>
#include <functional>
#include <string>

#include "config/config.h"

namespace sojourn::app {

// Reads the options from where they came from, as they are now.
using LoadOptions = std::function<std::expected<config::Loaded, std::string>()>;

// Returns after a graceful end. The error says in one sentence why the server could not start.
// `load` is asked again at every SIGHUP.
std::expected<void, std::string> serve(const config::Loaded& loaded, const LoadOptions& load);

}  // namespace sojourn::app
