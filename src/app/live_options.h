// The options that can change while the server runs, made ready for use.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "access/key_ring.h"
#include "api/api.h"
#include "config/options.h"
#include "http/server.h"
#include "sessions/operations.h"

namespace sojourn::app {

// Made at the start and at every reload in the same way, whole or not at all; then handed to each
// loop, which replaces its own on its own thread. So a request reads plain members, without locks.
struct LiveOptions {
  std::shared_ptr<const sessions::Tenants> tenants;
  sessions::EventsOptions events;
  sessions::ClientLimits client_limits;
  api::ApiOptions api;
  http::CorsOptions cors;
  telemetry::LogOptions log;
  std::shared_ptr<const access::KeyRing> keys;  // null: nobody is asked for one
  http::ServerSetup http;
  http::ServerSetup admin;
  std::vector<std::string> warnings;  // what an operator should know, a sentence each
};

// The error is one sentence: what is wrong with something that the options name, such as a file, or
// with all of them together.
std::expected<LiveOptions, std::string> make_live(const config::Options& options);

}  // namespace sojourn::app
