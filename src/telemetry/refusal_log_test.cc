#include "telemetry/refusal_log.h"

#include <gmock/gmock.h>

#include "base/manual_clock.h"

namespace sojourn::telemetry {
namespace {

using testing::ElementsAre, testing::IsEmpty, testing::UnorderedElementsAre;

// "event code count since ..." of each line.
class Lines final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::string_view,
             std::initializer_list<LogField> fields) override {
    std::string line(event);
    for (const LogField& field : fields) {
      const std::string text = text_of(field);
      if (!text.empty()) line += " " + text;
    }
    lines_.push_back(std::move(line));
  }
  std::vector<std::string> take() { return std::exchange(lines_, {}); }

 private:
  std::vector<std::string> lines_;
};

class RefusalLogTest : public testing::Test {
 protected:
  static void refuse(RequestWatch& loop, ErrorKind kind, int times = 1,
                     std::span<const http::Field> fields = {}) {
    http::Response response;
    response.status = 500;
    response.error = kind;
    const http::Request request{
        .method = http::Method::get, .route = "/sessions", .route_number = 1, .fields = fields};
    for (int i = 0; i < times; ++i) {
      loop.answered({request, response, std::chrono::milliseconds(1), 100});
    }
  }
  void pass(Duration time) {
    clock_.advance(time);
    log_.look();
  }

  Lines lines_;
  ManualClock clock_{Time(std::chrono::hours(24 * 365))};  // 1971
  RequestWatch one_{lines_, {}}, two_{lines_, {}};
  RefusalLog log_{{&one_, &two_}, clock_, lines_};
};

TEST_F(RefusalLogTest, TheFirstAtOnceAndThenSumsOfAllLoops) {
  using std::chrono::seconds;
  pass(seconds(1));
  EXPECT_THAT(lines_.take(), IsEmpty());
  refuse(one_, ErrorKind::unauthenticated);
  pass(seconds(1));
  EXPECT_THAT(lines_.take(),
              ElementsAre("requests.refused UNAUTHENTICATED 1 1971-01-01T00:00:01.000Z"));
  refuse(one_, ErrorKind::unauthenticated, 200);
  refuse(two_, ErrorKind::unauthenticated, 30);
  refuse(two_, ErrorKind::forbidden);
  pass(seconds(9));
  EXPECT_THAT(lines_.take(), ElementsAre("requests.refused FORBIDDEN 1 1971-01-01T00:00:02.000Z"));
  pass(seconds(1));
  EXPECT_THAT(lines_.take(),
              ElementsAre("requests.refused UNAUTHENTICATED 230 1971-01-01T00:00:02.000Z"));
  pass(seconds(60));
  EXPECT_THAT(lines_.take(), IsEmpty());
  refuse(one_, ErrorKind::unauthenticated);
  pass(seconds(1));
  EXPECT_THAT(lines_.take(),
              ElementsAre("requests.refused UNAUTHENTICATED 1 1971-01-01T00:01:12.000Z"));
  refuse(one_, ErrorKind::unauthenticated, 3);
  log_.finish();
  EXPECT_THAT(lines_.take(),
              ElementsAre("requests.refused UNAUTHENTICATED 3 1971-01-01T00:01:13.000Z"));
}

TEST_F(RefusalLogTest, WhatIsNormalHasNoLine) {
  for (size_t i = 0; i < kErrorKinds; ++i) refuse(one_, static_cast<ErrorKind>(i));
  pass(std::chrono::seconds(1));
  std::vector<std::string> codes;
  for (const std::string& line : lines_.take()) {
    const size_t begin = line.find(' ') + 1;
    codes.push_back(line.substr(begin, line.find(' ', begin) - begin));
  }
  EXPECT_THAT(codes, UnorderedElementsAre("BAD_REQUEST", "UNAUTHENTICATED", "FORBIDDEN",
                                          "REQUEST_TIMEOUT", "BODY_TOO_LARGE", "HEADERS_TOO_LARGE",
                                          "RATE_LIMITED", "QUOTA_EXCEEDED", "OVERLOADED",
                                          "STORE_UNAVAILABLE", "STORE_FULL", "INTERNAL"));
}

TEST_F(RefusalLogTest, AFaultShowsARequestThatLeadsIntoATrace) {
  const http::Field field{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"};
  refuse(one_, ErrorKind::internal);
  refuse(two_, ErrorKind::internal, 1, {&field, 1});
  refuse(two_, ErrorKind::internal);
  pass(std::chrono::seconds(1));
  EXPECT_THAT(lines_.take(),
              ElementsAre("requests.failed INTERNAL 3 1971-01-01T00:00:00.000Z GET /sessions "
                          "4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7"));
}

TEST(AccessLogTest, EveryManieth) {
  Lines lines;
  AccessLog log(lines, {});
  const http::Request request{.method = http::Method::get,
                              .path = "/sessions/secret",
                              .query = "x=secret&tenantId=a%20b",
                              .path_parameter = "0123456789ABCDEFGHJKMNPQRSTVWXYZ0123",
                              .route = "/sessions/{sessionId}"};
  const http::Response response;
  const auto answer = [&](int times) {
    for (int i = 0; i < times; ++i) {
      log.answered({request, response, std::chrono::microseconds(7), 100});
    }
    return lines.take();
  };
  EXPECT_THAT(answer(1000), IsEmpty());
  log.use({.access_every = 3});
  EXPECT_THAT(answer(2), IsEmpty());
  EXPECT_THAT(answer(1), ElementsAre("http.access GET /sessions/{sessionId} 200 7 100 http a b "
                                     "0123456789 ::"));
  EXPECT_EQ(answer(300).size(), 100u);
  log.use({.access_every = 1});
  EXPECT_EQ(answer(5).size(), 5u);
  log.use({.level = LogLevel::warning, .access_every = 1});
  EXPECT_THAT(answer(5), IsEmpty());
}

}  // namespace
}  // namespace sojourn::telemetry
