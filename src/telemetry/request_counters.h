// Counts and times the requests of one loop.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/counter.h"
#include "base/error.h"
#include "http/observer.h"
#include "telemetry/exposition.h"

namespace sojourn::telemetry {

// The loop's thread counts, any thread may read. Memory has a bound: one series for each method,
// route, status and scheme there is, made when the first such request comes. Labels hold nothing
// that a client made up.
class RequestCounters {
 public:
  RequestCounters();
  ~RequestCounters();
  RequestCounters(const RequestCounters&) = delete;
  RequestCounters& operator=(const RequestCounters&) = delete;

  void count(const http::Exchange& exchange);
  void count_refusal(ErrorKind kind) { refusals_[static_cast<size_t>(kind)].add(); }

  uint64_t refusals(ErrorKind kind) const { return refusals_[static_cast<size_t>(kind)].value(); }

  struct Series;

 private:
  friend void add_request_metrics(Exposition&, std::span<const RequestCounters* const>);

  // The router numbers from 1; 0 is no route. A service with more routes has the rest counted as
  // one, under an empty route.
  static constexpr size_t kRoutes = 32;
  static constexpr size_t kMethods = static_cast<size_t>(http::Method::other) + 1;
  static constexpr size_t kSchemes = 2;
  static constexpr size_t kStatuses = 24;  // those that status_places names, and one for others

  static constexpr size_t kPlaces = kRoutes * kMethods * kSchemes * kStatuses;

  Series& make_series(size_t place, const http::Exchange& exchange);

  std::unique_ptr<std::array<std::atomic<Series*>, kPlaces>> series_;
  std::array<Counter, kErrorKinds> refusals_;
};

// The metrics of all loops together: http_server_request_duration_seconds with the names of the
// OpenTelemetry semantic conventions for HTTP, and sojourn_refusals_total.
void add_request_metrics(Exposition& page, std::span<const RequestCounters* const> loops);

}  // namespace sojourn::telemetry
