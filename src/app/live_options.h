// The options that can change while the server runs, made ready for use.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "access/key_ring.h"
#include "api/api.h"
#include "config/config.h"
#include "descriptors.h"
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
  // What an operator should know, a sentence each: of the options, and of who may call or listen.
  std::vector<std::string> warnings;
  std::vector<std::string> security_warnings;
};

// The error is one sentence: what is wrong with something that the options name, such as a file, or
// with all of them together. `descriptors` may lower max_connections in `http` and `admin`.
std::expected<LiveOptions, std::string> make_live(const config::Loaded& loaded,
                                                  const DescriptorLimit& descriptors);

}  // namespace sojourn::app
