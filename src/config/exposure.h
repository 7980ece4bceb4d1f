// Secure by default: which listeners other machines could reach without proof of who they are, or
// could listen to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"

namespace sojourn::config {

// True when only this machine can reach `listen` (HOST:PORT): 127.0.0.0/8, [::1] and localhost. No
// name is looked up, so another name of the loopback counts as reachable.
bool is_loopback(std::string_view listen);

// One sentence for each listener that is reachable without API keys or without TLS, saying what can
// be done; none when all is well. What cannot be listened on at all is left to those who try.
std::vector<std::string> exposures(const Options& options);

}  // namespace sojourn::config
