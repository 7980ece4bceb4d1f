#include "worker.h"

namespace sojourn::app {

Worker::Worker(const Neighbours& neighbours, const LiveOptions& options)
    : store_(neighbours.engine.store_for(loop)),
      context_{*store_,
               neighbours.clock,
               neighbours.entropy,
               options.tenants,
               options.events,
               neighbours.limiter,
               neighbours.creations,
               loop,
               options.client_limits} {}

void Worker::apply(const LiveOptions& options) {
  loop.post([this, options] { replace(options); });
}

void Worker::replace(const LiveOptions& options) {
  context_.tenants = options.tenants;
  context_.events = options.events;
  context_.client_limits = options.client_limits;
}

ApiWorker::ApiWorker(const Neighbours& neighbours, const LiveOptions& options)
    : Worker(neighbours, options),
      watch_(neighbours.log, options.log),
      api_{options.api, context_, loop, access::Guard(neighbours.clock), {}},
      routes_(api::make_service(api_)),
      cors_(*routes_, options.cors) {
  api_.guard.use(options.keys);
}

void ApiWorker::replace(const LiveOptions& options) {
  Worker::replace(options);
  watch_.use(options.log);
  api_.options = options.api;
  cors_.use(options.cors);
  api_.guard.use(options.keys);
}

HousekeepingWorker::HousekeepingWorker(const Neighbours& neighbours, const LiveOptions& options)
    : Worker(neighbours, options), housekeeper_(context_, loop, neighbours.log) {}

void HousekeepingWorker::start() {
  housekeeper_.start();
  loop.start();
}

}  // namespace sojourn::app
