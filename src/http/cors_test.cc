// Who may read what: origins, preflights and refusals.
#include "http/cors.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace sojourn::http {
namespace {

// Answers everything with 200, and counts.
class Inner final : public Service {
 public:
  Task<void> handle(Request&, Response& response) override {
    ++requests;
    response.body = "{}";
    return Task<void>::done();
  }
  void refuse(const Error& error, Response& response) override {
    response.status = error.kind == ErrorKind::forbidden ? 403 : 400;
  }
  int requests = 0;
};

struct Asked {
  explicit Asked(CorsOptions options) : cors(inner, std::move(options)) {}

  Response ask(Method method, std::vector<Field> fields) {
    Request request{.method = method, .path = "/sessions/x", .query = "", .fields = fields};
    Response response;
    auto task = cors.handle(request, response);
    EXPECT_TRUE(task.start([](void*) {}, nullptr));
    return response;
  }

  Inner inner;
  Cors cors;
};

const CorsOptions kShop{{"https://shop.example", "http://127.0.0.1:8080"}};
const CorsOptions kEveryone{{"*"}};

Field preflight_of(std::string_view method) { return {"Access-Control-Request-Method", method}; }

TEST(Cors, PagesMaySendTheHeadersOfTheApiAndThoseThatAreNamed) {
  const auto allowed = [](CorsOptions options) {
    options.allowed_origins = {"*"};
    const std::string fields =
        Asked(std::move(options))
            .ask(Method::options, {{"Origin", "https://a"}, preflight_of("PUT")})
            .extra_fields;
    const size_t begin = fields.find("Access-Control-Allow-Headers: ");
    return fields.substr(begin, fields.find('\r', begin) - begin);
  };
  EXPECT_TRUE(allowed({}).ends_with(
      "Last-Event-ID, X-Requested-With, Cache-Control, traceparent, tracestate, baggage"));
  EXPECT_TRUE(allowed({{}, {"X-Page"}}).ends_with("Last-Event-ID, X-Page"));
  EXPECT_TRUE(allowed({{}, {}}).ends_with("Last-Event-ID"));
  EXPECT_TRUE(allowed({}).contains("Authorization, Content-Type, gkc_agentId,"));
}

TEST(Cors, HeaderNamesAreTokens) {
  for (const auto* good : {"X-Page", "*", "a_b", "traceparent"}) {
    EXPECT_TRUE(check_header_name(good)) << good;
  }
  for (const auto* bad : {"", "a b", "a:", "a,b", "a\r\nb: c", "\xC3\xA9"}) {
    EXPECT_FALSE(check_header_name(bad)) << bad;
  }
}

TEST(Cors, WithoutOriginsNothingIsAdded) {
  Asked asked({});
  const Response response = asked.ask(Method::get, {{"Origin", "https://shop.example"}});
  EXPECT_EQ(response.extra_fields, "");
  EXPECT_EQ(asked.inner.requests, 1);
}

TEST(Cors, AnAllowedOriginMayReadTheAnswer) {
  Asked asked(kShop);
  const Response response = asked.ask(Method::get, {{"origin", "https://shop.example"}});
  EXPECT_EQ(response.extra_fields,
            "Vary: Origin\r\n"
            "Access-Control-Allow-Origin: https://shop.example\r\n"
            "Access-Control-Expose-Headers: ETag, Retry-After, WWW-Authenticate\r\n");
  EXPECT_EQ(response.body, "{}");
}

TEST(Cors, AnotherOriginIsAnsweredButMayNotRead) {
  Asked asked(kShop);
  for (const char* origin : {"https://evil.example", "https://shop.example.evil.example",
                             "http://shop.example", "https://shop.example:444", "null"}) {
    const Response response = asked.ask(Method::get, {{"Origin", origin}});
    EXPECT_EQ(response.extra_fields, "Vary: Origin\r\n") << origin;
    EXPECT_EQ(response.status, 200);
  }
}

TEST(Cors, WhoNamesNoOriginIsToldThatOthersMayGetAnotherAnswer) {
  Asked asked(kShop);
  EXPECT_EQ(asked.ask(Method::get, {}).extra_fields, "Vary: Origin\r\n");
}

TEST(Cors, APreflightOfAnAllowedOriginIsAnsweredHere) {
  Asked asked(kShop);
  const Response response =
      asked.ask(Method::options, {{"Origin", "http://127.0.0.1:8080"}, preflight_of("DELETE")});
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(asked.inner.requests, 0);
  for (const char* line : {"Access-Control-Allow-Origin: http://127.0.0.1:8080\r\n",
                           "Access-Control-Allow-Methods: GET, HEAD, PUT, POST, DELETE\r\n",
                           "Authorization, Content-Type, gkc_agentId, gkc_customerId",
                           "If-Match, If-None-Match, Idempotency-Key, Last-Event-ID",
                           "Access-Control-Max-Age: 7200\r\n", "Vary: Origin\r\n"}) {
    EXPECT_NE(response.extra_fields.find(line), std::string::npos) << line;
  }
}

TEST(Cors, APreflightOfAnotherOriginIsRefusedInWords) {
  Asked asked(kShop);
  const Response response =
      asked.ask(Method::options, {{"Origin", "https://evil.example"}, preflight_of("PUT")});
  EXPECT_EQ(response.status, 403);
  EXPECT_EQ(response.extra_fields, "Vary: Origin\r\n");
  EXPECT_EQ(asked.inner.requests, 0);
}

TEST(Cors, OptionsThatAreNoPreflightGoTheUsualWay) {
  Asked asked(kShop);
  asked.ask(Method::options, {{"Origin", "https://shop.example"}});
  asked.ask(Method::options, {preflight_of("PUT")});
  EXPECT_EQ(asked.inner.requests, 2);
}

TEST(Cors, WithAStarEveryOriginMayReadRefusalsToo) {
  Asked asked(kEveryone);
  EXPECT_EQ(asked.ask(Method::get, {{"Origin", "null"}})
                .extra_fields.find("Access-Control-Allow-Origin: *\r\n"),
            0U);
  Response refusal;
  asked.cors.refuse({ErrorKind::bad_request, ""}, refusal);
  EXPECT_EQ(refusal.extra_fields, "Access-Control-Allow-Origin: *\r\n");
}

TEST(Cors, OtherOptionsAreInForceFromTheNextRequestOn) {
  Asked asked(kShop);
  asked.cors.use({{"https://new.example"}});
  EXPECT_EQ(asked.ask(Method::get, {{"Origin", "https://shop.example"}}).extra_fields,
            "Vary: Origin\r\n");
  asked.cors.use({});
  EXPECT_EQ(asked.ask(Method::get, {{"Origin", "https://new.example"}}).extra_fields, "");
}

TEST(CheckOrigin, TakesWhatBrowsersWrite) {
  for (const char* origin :
       {"https://shop.example", "http://localhost:8080", "https://[::1]:8443", "http://127.0.0.1",
        "chrome-extension://abcdef", "https://a_b.example"}) {
    EXPECT_TRUE(check_origin(origin)) << origin;
  }
}

TEST(CheckOrigin, SaysWhatIsWrongWithWhatNoBrowserWrites) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "is no origin"},
      {"null", "is no origin"},
      {"shop.example", "is no origin"},
      {"://shop.example", "is no origin"},
      {"https://", "is no origin"},
      {"https://sh op.example", "is no origin"},
      {"https://*.example", "is no origin"},
      {"https://[::1", "is no origin"},
      {"https://Shop.example", "lower case"},
      {"https://shop.example/", "no path"},
      {"https://shop.example:", "no port"},
      {"https://shop.example:0", "no port"},
      {"https://shop.example:65536", "no port"},
      {"https://shop.example:8o", "no port"},
      {"https://shop.example:443", "leave it away"},
      {"http://shop.example:80", "leave it away"},
  };
  for (const auto& [origin, words] : cases) {
    const auto checked = check_origin(origin);
    ASSERT_FALSE(checked) << origin;
    EXPECT_NE(checked.error().find(words), std::string::npos) << checked.error();
  }
}

}  // namespace
}  // namespace sojourn::http
