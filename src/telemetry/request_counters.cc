#include "telemetry/request_counters.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace sojourn::telemetry {
namespace {

constexpr uint64_t operator""_ms(unsigned long long count) { return count * 1'000'000; }

// The bounds that the OpenTelemetry semantic conventions advise, in nanoseconds.
constexpr uint64_t kDurationBounds[] = {5_ms,    10_ms,   25_ms,   50_ms,   75_ms,
                                        100_ms,  250_ms,  500_ms,  750_ms,  1000_ms,
                                        2500_ms, 5000_ms, 7500_ms, 10000_ms};

// The statuses that this server answers with.
constexpr int kKnownStatuses[] = {200, 204, 304, 400, 401, 403, 404, 405, 408, 409, 412, 413,
                                  415, 421, 422, 428, 429, 431, 500, 501, 503, 505, 507};

// Where a status stands in kKnownStatuses; others: its size.
constexpr auto kStatusPlaces = [] {
  std::array<uint8_t, 600> places{};
  places.fill(std::size(kKnownStatuses));
  for (size_t i = 0; i < std::size(kKnownStatuses); ++i) {
    places[static_cast<size_t>(kKnownStatuses[i])] = static_cast<uint8_t>(i);
  }
  return places;
}();

size_t place_of(int status) {
  const auto index = static_cast<size_t>(status);
  return index < kStatusPlaces.size() ? kStatusPlaces[index] : std::size(kKnownStatuses);
}

}  // namespace

struct RequestCounters::Series {
  const std::string method;
  const std::string route;
  const std::string status;
  const std::string_view scheme;
  Distribution durations{kDurationBounds};

  auto labels() const { return std::tie(route, method, status, scheme); }
};

RequestCounters::RequestCounters()
    : series_(std::make_unique<std::array<std::atomic<Series*>, kPlaces>>()) {
  static_assert(kStatuses == std::size(kKnownStatuses) + 1);
}

RequestCounters::~RequestCounters() {
  for (const auto& series : *series_) delete series.load(std::memory_order_relaxed);
}

void RequestCounters::count(const http::Exchange& exchange) {
  const http::Request& request = exchange.request;
  const size_t route = request.route_number < kRoutes ? request.route_number : 0;
  const size_t place = ((route * kMethods + static_cast<size_t>(request.method)) * kSchemes +
                        static_cast<size_t>(request.scheme)) *
                           kStatuses +
                       place_of(exchange.response.status);
  Series* series = (*series_)[place].load(std::memory_order_relaxed);
  if (series == nullptr) series = &make_series(place, exchange);
  series->durations.add(static_cast<uint64_t>(std::max<int64_t>(exchange.duration.count(), 0)));
  if (exchange.response.error) count_refusal(*exchange.response.error);
}

RequestCounters::Series& RequestCounters::make_series(size_t place,
                                                      const http::Exchange& exchange) {
  const http::Request& request = exchange.request;
  const int status = exchange.response.status;
  const bool known = place_of(status) < std::size(kKnownStatuses);
  auto* series = new Series{
      .method =
          request.method == http::Method::other ? "_OTHER" : std::string(name_of(request.method)),
      .route = request.route_number < kRoutes ? std::string(request.route) : std::string(),
      .status = known ? std::to_string(status) : "_OTHER",
      .scheme = request.scheme == http::Scheme::https ? "https" : "http"};
  (*series_)[place].store(series, std::memory_order_release);  // whole before a scrape sees it
  return *series;
}

void add_request_metrics(Exposition& page, std::span<const RequestCounters* const> loops) {
  using Series = RequestCounters::Series;
  struct Sum {
    const Series* labels;
    DistributionView view;
  };
  std::map<decltype(std::declval<const Series&>().labels()), Sum> sums;
  for (const RequestCounters* loop : loops) {
    for (const auto& place : *loop->series_) {
      const Series* series = place.load(std::memory_order_acquire);
      if (series == nullptr) continue;
      auto& sum = sums.try_emplace(series->labels(), Sum{series, {}}).first->second;
      sum.view += series->durations.view();
    }
  }
  for (const auto& [_, sum] : sums) {
    page.histogram("http_server_request_duration_seconds",
                   "From a request being whole to its answer being written.", sum.view, 1e-9,
                   {{"http_request_method", sum.labels->method},
                    {"http_route", sum.labels->route},
                    {"http_response_status_code", sum.labels->status},
                    {"url_scheme", sum.labels->scheme}});
  }
  for (size_t kind = 0; kind < kErrorKinds; ++kind) {
    uint64_t count = 0;
    for (const RequestCounters* loop : loops) count += loop->refusals_[kind].value();
    page.counter("sojourn_refusals_total", "Requests answered with an error, by its code.", count,
                 {{"code", code_of(static_cast<ErrorKind>(kind))}});
  }
}

}  // namespace sojourn::telemetry
