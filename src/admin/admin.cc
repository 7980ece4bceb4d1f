#include "admin/admin.h"

#include "http/router.h"

namespace sojourn::admin {

extern const std::string_view kOpenApiDocument;

namespace {

Task<void> answer(http::Response& response, int status, std::string_view body) {
  response.status = status;
  response.body = body;
  return Task<void>::done();
}

Task<void> readyz(Readiness readiness, http::Response& response) {
  switch (readiness) {
    case Readiness::ready:
      return answer(response, 200, R"({"status":"ready"})");
    case Readiness::draining:
      return answer(response, 503, R"({"status":"draining"})");
    case Readiness::store_unavailable:
      return answer(response, 503, R"({"status":"store_unavailable"})");
  }
  return answer(response, 503, R"({"status":"unknown"})");
}

}  // namespace

std::unique_ptr<http::Service> make_service(AdminDependencies dependencies) {
  using http::Method, http::Request, http::Response;
  std::vector<http::Route> routes;
  const auto get = [&](std::string path, std::function<Task<void>(Request&, Response&)> handler) {
    routes.push_back({Method::get, path, handler});
    routes.push_back({Method::head, path, handler});
  };
  get("/healthz", [](Request&, Response& r) { return answer(r, 200, R"({"status":"alive"})"); });
  get("/readyz", [readiness = std::move(dependencies.readiness)](Request&, Response& r) {
    return readyz(readiness(), r);
  });
  get("/openapi.json", [](Request&, Response& r) { return answer(r, 200, kOpenApiDocument); });
  return std::make_unique<http::Router>(std::vector<std::string>{"/"}, std::move(routes),
                                        std::move(dependencies.errors));
}

}  // namespace sojourn::admin
