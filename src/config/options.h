// All options of the server, each in the struct of the module it governs.
#pragma once

#include <string>

#include "access/access_options.h"
#include "api/api.h"
#include "http/cors.h"
#include "http/server.h"
#include "lmdb/lmdb_store.h"
#include "sessions/operations.h"
#include "sessions/tenants.h"

namespace sojourn::config {

struct Options {
  http::ServerOptions http;
  // http.threads: I/O threads. 0, which cannot be set: one per core.
  size_t http_threads = 0;
  // http.drain_timeout: after SIGTERM, how long requests in flight may take before they are cut.
  Duration drain_timeout = std::chrono::seconds(5);
  // Where health is told. An empty listen: nowhere.
  http::ServerOptions admin{.listen = "127.0.0.1:9093", .max_connections = 100};
  access::AccessOptions access;
  // security.allow_insecure: see exposure.h.
  bool allow_insecure = false;
  api::ApiOptions api;
  http::CorsOptions cors;
  lmdb::LmdbOptions lmdb;
  sessions::TenantsOptions tenants;
  sessions::EventsOptions events;
};

}  // namespace sojourn::config
