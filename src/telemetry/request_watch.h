// Watches the requests of one loop, for metrics and for the log.
#pragma once

#include "http/observer.h"
#include "telemetry/access_log.h"
#include "telemetry/fault_examples.h"
#include "telemetry/request_counters.h"

namespace sojourn::telemetry {

class RequestWatch final : public http::Observer {
 public:
  RequestWatch(Log& log, const LogOptions& options) : access_log_(log, options) {}

  // From now on these options. The loop's thread.
  void use(const LogOptions& options) { access_log_.use(options); }

  void answered(const http::Exchange& exchange) override {
    const auto& error = exchange.response.error;
    // Before it is counted: who sees the count finds the example.
    if (error && is_fault(*error)) faults_.note(*error, exchange.request);
    counters_.count(exchange);
    access_log_.answered(exchange);
  }

  void refused(const http::Response& refusal) override {
    if (refusal.error) counters_.count_refusal(*refusal.error);
  }

  // Any thread.
  const RequestCounters& counters() const { return counters_; }
  FaultExamples& faults() { return faults_; }

 private:
  RequestCounters counters_;
  FaultExamples faults_;
  AccessLog access_log_;
};

}  // namespace sojourn::telemetry
