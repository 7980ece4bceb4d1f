// Secure by default: which listeners other machines could reach without proof of who they are, or
// could listen to, and which protection a reload would take away.
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

// One sentence if no API keys are asked for on a public listener that only this machine can reach:
// allowed, but a proxy may let others in. Empty: all is well, or exposures() says it.
std::string keyless(const Options& options);

// One sentence for each protection that `running` has and `wanted` has not: API keys, TLS, client
// certificates. Most often a file was cut, or a section lost, so a reload refuses these unless
// `wanted` says security.allow_insecure; then there are none.
std::vector<std::string> weakenings(const Options& running, const Options& wanted);

}  // namespace sojourn::config
