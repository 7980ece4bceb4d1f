// Watches the requests of one loop, for metrics and for the log.
#pragma once

#include "http/observer.h"
#include "telemetry/request_counters.h"

namespace sojourn::telemetry {

class RequestWatch final : public http::Observer {
 public:
  void answered(const http::Exchange& exchange) override { counters_.count(exchange); }

  void refused(const http::Response& refusal) override {
    if (refusal.error) counters_.count_refusal(*refusal.error);
  }

  // Any thread.
  const RequestCounters& counters() const { return counters_; }

 private:
  RequestCounters counters_;
};

}  // namespace sojourn::telemetry
