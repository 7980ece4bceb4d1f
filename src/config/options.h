// All options of the server, each in the struct of the module it governs.
#pragma once

#include <filesystem>
#include <string>

#include "access/access_options.h"
#include "api/api.h"
#include "http/cors.h"
#include "http/server.h"
#include "lmdb/lmdb_store.h"
#include "redis/redis_options.h"
#include "sessions/operations.h"
#include "sessions/tenants.h"
#include "telemetry/log_options.h"

namespace sojourn::config {

enum class StoreKind { lmdb, redis };

struct Options {
  http::ServerOptions http;
  // http.threads: I/O threads. 0, which cannot be set: one per core.
  size_t http_threads = 0;
  // http.drain_timeout: after SIGTERM, how long requests in flight may take before they are cut.
  Duration drain_timeout = std::chrono::seconds(5);
  // Where health is told. An empty listen: nowhere.
  http::ServerOptions admin{
      .listen = "127.0.0.1:9093", .max_connections = 100, .max_connections_per_client = 0};
  access::AccessOptions access;
  // security.allow_insecure: see exposure.h.
  bool allow_insecure = false;
  api::ApiOptions api;
  http::CorsOptions cors;
  // store.kind: which of the two keeps the sessions.
  StoreKind store = StoreKind::lmdb;
  // lmdb.indexed is of both.
  lmdb::LmdbOptions lmdb;
  redis::RedisOptions redis;
  // store.redis.password_file: what its password is read from at the start. Empty: nowhere.
  std::filesystem::path redis_password_file;
  sessions::TenantsOptions tenants;
  sessions::EventsOptions events;
  sessions::ClientLimits client_limits;
  telemetry::LogOptions log;
};

}  // namespace sojourn::config
