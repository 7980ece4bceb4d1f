// A thread of the server with everything it needs to run use cases, shared with no other thread.
#pragma once

#include <memory>

#include "api/api.h"
#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "housekeeper.h"
#include "http/cors.h"
#include "http/service.h"
#include "limits/limiter.h"
#include "live_options.h"
#include "net/loop.h"
#include "sessions/operations.h"
#include "sessions/quota.h"
#include "store/engine.h"
#include "telemetry/request_watch.h"

namespace sojourn::app {

// What all threads share; any thread may use it.
struct Neighbours {
  store::Engine& engine;
  const Clock& clock;
  Entropy& entropy;
  Log& log;
  limits::Limiter& limiter;
  sessions::CreationsUnderWay& creations;
};

class Worker {
 public:
  Worker(const Neighbours& neighbours, const LiveOptions& options);
  virtual ~Worker() = default;

  // From now on these options, for what begins after the loop comes to it. Any thread.
  void apply(const LiveOptions& options);

  net::Loop loop;

 protected:
  // On the loop's thread.
  virtual void replace(const LiveOptions& options);

  const std::unique_ptr<store::SessionStore> store_;
  sessions::Context context_;
};

// One that answers requests.
class ApiWorker final : public Worker {
 public:
  ApiWorker(const Neighbours& neighbours, const LiveOptions& options);

  http::Service& service() { return cors_; }
  telemetry::RequestWatch& watch() { return watch_; }

  // Any thread.
  const api::StreamCounters& streams() const { return api_.streams; }

 private:
  void replace(const LiveOptions& options) override;

  telemetry::RequestWatch watch_;
  api::Api api_;
  const std::unique_ptr<http::Service> routes_;
  http::Cors cors_;
};

// One that removes what is over.
class HousekeepingWorker final : public Worker {
 public:
  HousekeepingWorker(const Neighbours& neighbours, const LiveOptions& options);

  void start();

  // Any thread.
  const ReaperCounters& counters() const { return housekeeper_.counters(); }

 private:
  Housekeeper housekeeper_;
};

}  // namespace sojourn::app
