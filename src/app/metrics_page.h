// Everything that GET /metrics shows, collected from the parts at the moment of asking.
// docs/operating/metrics.md lists it, and a test compares the two.
#pragma once

#include <string>
#include <vector>

#include "api/stream_counters.h"
#include "base/clock.h"
#include "base/counter.h"
#include "base/task.h"
#include "housekeeper.h"
#include "http/server.h"
#include "json_log.h"
#include "reload.h"
#include "store/engine.h"
#include "telemetry/request_counters.h"

namespace sojourn::app {

// Where the numbers are; all outlive the page's Task.
struct MetricsSources {
  store::Engine& engine;
  store::SessionStore& store;  // of the asking thread
  const Clock& clock;
  const ReloadCounters& reloads;
  const ReaperCounters& reaper;
  const JsonLog& log;
  std::vector<const telemetry::RequestCounters*> requests;  // one for each loop
  std::vector<const api::StreamCounters*> streams;          // one for each loop
  const http::Server* public_server = nullptr;
  const http::Server* admin_server = nullptr;
};

Task<std::string> metrics_page(const MetricsSources& from);

}  // namespace sojourn::app
