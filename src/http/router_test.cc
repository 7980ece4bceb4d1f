#include "http/router.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace sojourn::http {
namespace {

Route route(Method method, std::string pattern, std::string name) {
  return {method, std::move(pattern), [name](Request& request, Response& response) {
            response.body = name + "(" + std::string(request.path_parameter) + ")";
            return Task<void>::done();
          }};
}

void render(const Error& error, Response& response) {
  response.status = 400;
  response.body = code_of(error.kind);
}

class RouterTest : public testing::Test {
 protected:
  // The body, and what stands in extra_fields.
  std::string ask(Method method, std::string_view path) {
    Request request{.method = method, .path = path};
    response_.reset();
    EXPECT_TRUE(router_.handle(request, response_).start(nullptr, nullptr));
    return response_.body + response_.extra_fields;
  }

  Response response_;
  Router router_{
      {"/", "/gks-server/v1"},
      {route(Method::get, "/sessions/{sessionId}", "retrieve"),
       route(Method::post, "/sessions/{sessionId}", "associate"),
       route(Method::put, "/sessions/new", "create"), route(Method::get, "/sessions", "find"),
       route(Method::head, "/sessions", "head"), route(Method::get, "/{tenant}/events", "events"),
       route(Method::get, "/", "root")},
      render};
};

TEST_F(RouterTest, FindsByMethodAndPath) {
  EXPECT_EQ(ask(Method::get, "/sessions/x"), "retrieve(x)");
  EXPECT_EQ(ask(Method::post, "/sessions/x"), "associate(x)");
  EXPECT_EQ(ask(Method::get, "/sessions"), "find()");
  EXPECT_EQ(ask(Method::get, "/"), "root()");
}

TEST_F(RouterTest, EveryBasePath) {
  EXPECT_EQ(ask(Method::get, "/gks-server/v1/sessions/x"), "retrieve(x)");
  EXPECT_EQ(ask(Method::put, "/gks-server/v1/sessions/new"), "create()");
  EXPECT_EQ(ask(Method::get, "/gks-server/v2/sessions/x"), "ROUTE_NOT_FOUND");
}

TEST_F(RouterTest, ExactTextBeforeParameters) {
  EXPECT_EQ(ask(Method::put, "/sessions/new"), "create()");
  // No line for these methods: the text is an id.
  EXPECT_EQ(ask(Method::get, "/sessions/new"), "retrieve(new)");
  EXPECT_EQ(ask(Method::post, "/sessions/new"), "associate(new)");
  EXPECT_EQ(ask(Method::get, "/sessions/events"), "retrieve(events)");
  EXPECT_EQ(ask(Method::get, "/t/events"), "events(t)");
}

TEST_F(RouterTest, NoSuchPath) {
  for (const auto* path : {"/session", "/sessions/x/y", "/sessions/", "//", "/Sessions", "/*",
                           "/sessions//", "/gks-server/v1"}) {
    EXPECT_EQ(ask(Method::get, path), "ROUTE_NOT_FOUND") << path;
  }
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "/a";
  EXPECT_EQ(ask(Method::get, deep), "ROUTE_NOT_FOUND");
}

TEST_F(RouterTest, AMethodThePathDoesNotHave) {
  EXPECT_EQ(ask(Method::delete_, "/sessions/x"), "METHOD_NOT_ALLOWEDAllow: GET, HEAD, POST\r\n");
  EXPECT_EQ(ask(Method::put, "/sessions/x"), "METHOD_NOT_ALLOWEDAllow: GET, HEAD, POST\r\n");
  EXPECT_EQ(ask(Method::delete_, "/sessions/new"),
            "METHOD_NOT_ALLOWEDAllow: GET, HEAD, PUT, POST\r\n");
  EXPECT_EQ(ask(Method::other, "/sessions"), "METHOD_NOT_ALLOWEDAllow: GET, HEAD\r\n");
}

TEST_F(RouterTest, WhatIsAskedOfTheServerAndNoPath) {
  EXPECT_EQ(ask(Method::options, "*"), "Allow: GET, HEAD, PUT, POST, OPTIONS\r\n");
  EXPECT_EQ(response_.status, 204);
  EXPECT_FALSE(response_.close);
  EXPECT_EQ(ask(Method::other, "h:80"),
            "METHOD_NOT_ALLOWEDAllow: GET, HEAD, PUT, POST, OPTIONS\r\n");
  EXPECT_TRUE(response_.close) << "what follows a CONNECT may be no HTTP";
}

TEST_F(RouterTest, HeadGoesToItsOwnLineOrToGet) {
  EXPECT_EQ(ask(Method::head, "/sessions"), "head()");
  EXPECT_EQ(ask(Method::head, "/sessions/x"), "retrieve(x)");
}

TEST_F(RouterTest, PercentEncodedText) {
  EXPECT_EQ(ask(Method::get, "/%73essions/%78"), "retrieve(%78)");  // the parameter as it was sent
  EXPECT_EQ(ask(Method::put, "/sessions/n%65w"), "create()");
  EXPECT_EQ(ask(Method::get, "/gks%2Dserver/v1/sessions"), "find()");
  EXPECT_EQ(ask(Method::get, "/sessions%2Fx"), "ROUTE_NOT_FOUND");  // not a separator
  for (const auto* path :
       {"/session%7", "/session%", "/session%7g", "/sessions%", "/sessions%73"}) {
    EXPECT_EQ(ask(Method::get, path), "ROUTE_NOT_FOUND") << path;
  }
}

TEST(Router, MistakesInTheListOfRoutes) {
  const auto get = [](const char* pattern) { return route(Method::get, pattern, "x"); };
  EXPECT_THROW(Router({"/"}, {get("/a"), get("/a")}, render), std::logic_error);
  EXPECT_THROW(Router({"/"}, {get("/{a}"), get("/{b}")}, render), std::logic_error);
  EXPECT_THROW(Router({"/"}, {get("/{a}/{b}")}, render), std::logic_error);
  EXPECT_THROW(Router({"/"}, {get("a")}, render), std::logic_error);
}

}  // namespace
}  // namespace sojourn::http
