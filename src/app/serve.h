// sojourn serve: builds the parts, starts them, waits for a signal, drains, stops.
#pragma once

#include <expected>
#include <string>

#include "config/options.h"

namespace sojourn::app {

// Returns after a graceful end. The error says in one sentence why the server could not start.
std::expected<void, std::string> serve(const config::Options& options);

}  // namespace sojourn::app
