#include "telemetry/request_counters.h"

#include <gmock/gmock.h>

namespace sojourn::telemetry {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr, testing::Not;

http::Exchange exchange(const http::Request& request, const http::Response& response,
                        std::chrono::nanoseconds duration) {
  return {request, response, duration, 100};
}

std::string page_of(std::vector<const RequestCounters*> loops) {
  Exposition page;
  add_request_metrics(page, loops);
  return page.text();
}

TEST(RequestCountersTest, SumsOverLoops) {
  RequestCounters one, two;
  const http::Request get{
      .method = http::Method::get, .route = "/sessions/{sessionId}", .route_number = 2};
  http::Response ok;
  one.count(exchange(get, ok, milliseconds(3)));
  two.count(exchange(get, ok, milliseconds(40)));
  two.count(exchange(get, ok, std::chrono::seconds(20)));
  const std::string page = page_of({&one, &two});
  const std::string labels = R"({http_request_method="GET",http_route="/sessions/{sessionId}",)"
                             R"(http_response_status_code="200",url_scheme="http")";
  EXPECT_THAT(page, HasSubstr("_count" + labels + "} 3\n"));
  EXPECT_THAT(page, HasSubstr("_sum" + labels + "} 20.04"));
  EXPECT_THAT(page, HasSubstr("_bucket" + labels + ",le=\"0.005\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("_bucket" + labels + ",le=\"0.05\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("_bucket" + labels + ",le=\"10\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("_bucket" + labels + ",le=\"+Inf\"} 3\n"));
}

TEST(RequestCountersTest, WhatIsUnknownIsOneSeries) {
  RequestCounters counters;
  http::Request strange{.method = http::Method::other, .path = "/secret/path"};
  http::Response response;
  for (const int status : {299, 599, 600, 7, -1}) {
    response.status = status;
    counters.count(exchange(strange, response, milliseconds(1)));
  }
  strange.route = "/too/many";
  strange.route_number = 1000;
  counters.count(exchange(strange, response, milliseconds(1)));
  const std::string page = page_of({&counters});
  EXPECT_THAT(page, HasSubstr(R"(_count{http_request_method="_OTHER",http_route="",)"
                              R"(http_response_status_code="_OTHER",url_scheme="http"} 6)"));
  EXPECT_THAT(page, Not(HasSubstr("secret")));
}

TEST(RequestCountersTest, CountsRefusalsByCode) {
  RequestCounters counters;
  http::Response refusal;
  refusal.status = 503;
  refusal.error = ErrorKind::store_full;
  counters.count(exchange({}, refusal, milliseconds(1)));
  counters.count_refusal(ErrorKind::overloaded);
  const std::string page = page_of({&counters});
  EXPECT_THAT(page, HasSubstr("sojourn_refusals_total{code=\"STORE_FULL\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("sojourn_refusals_total{code=\"OVERLOADED\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("sojourn_refusals_total{code=\"INTERNAL\"} 0\n"));
}

}  // namespace
}  // namespace sojourn::telemetry
