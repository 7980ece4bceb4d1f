#include "admin/admin.h"

#include "base/json_text.h"
#include "http/router.h"
#include "telemetry/exposition.h"

namespace sojourn::admin {

extern const std::string_view kOpenApiDocument;

namespace {

Task<void> answer(http::Response& response, int status, std::string_view body) {
  response.status = status;
  response.body = body;
  return Task<void>::done();
}

Task<void> readyz(const std::optional<Unreadiness>& unready, http::Response& response) {
  JsonText json;
  json.open('{');
  json.key("status");
  json.string(unready ? unready->status : "ready");
  if (unready && !unready->reason.empty()) {
    json.key("reason");
    json.string(unready->reason);
  }
  json.close('}');
  return answer(response, unready ? 503 : 200, json.text());
}

// `metrics` outlives the Task: the service has it.
Task<void> metrics_page(const std::function<Task<std::string>()>& metrics,
                        http::Response& response) {
  response.body = co_await metrics();
  response.content_type = telemetry::Exposition::kContentType;
}

// Asks for a key before the router is asked for anything.
class Guarded final : public http::Service {
 public:
  Guarded(std::unique_ptr<http::Service> inner, AdminDependencies dependencies)
      : inner_(std::move(inner)),
        guard_(dependencies.guard),
        errors_(std::move(dependencies.errors)) {}

  Task<void> handle(http::Request& request, http::Response& response) override {
    const bool is_probe = request.path == "/healthz" || request.path == "/readyz";
    if (guard_.is_open() || is_probe) return inner_->handle(request, response);
    const auto key = guard_.identify(request);
    if (!key) return refuse(key.error(), response);
    if (!(*key)->scopes.has(access::Scope::admin)) {
      return refuse(access::missing_scope(access::Scope::admin), response);
    }
    return inner_->handle(request, response);
  }

  void refuse(const Error& error, http::Response& response) override {
    inner_->refuse(error, response);
  }

 private:
  Task<void> refuse(const access::Refusal& refusal, http::Response& response) {
    errors_(refusal.error, response);
    if (!refusal.challenge.empty()) response.add_field("WWW-Authenticate", refusal.challenge);
    return Task<void>::done();
  }

  const std::unique_ptr<http::Service> inner_;
  access::Guard& guard_;
  const std::function<void(const Error&, http::Response&)> errors_;
};

}  // namespace

std::unique_ptr<http::Service> make_service(AdminDependencies dependencies) {
  using http::Method, http::Request, http::Response;
  std::vector<http::Route> routes;
  const auto get = [&](std::string path, std::function<Task<void>(Request&, Response&)> handler) {
    routes.push_back({Method::get, path, handler});
    routes.push_back({Method::head, path, handler});
  };
  get("/healthz", [](Request&, Response& r) { return answer(r, 200, R"({"status":"alive"})"); });
  get("/readyz", [unreadiness = dependencies.unreadiness](Request&, Response& r) {
    return readyz(unreadiness(), r);
  });
  // On the heap, so that it stays where it is while handlers are copied.
  get("/metrics",
      [metrics = std::make_shared<const std::function<Task<std::string>()>>(dependencies.metrics)](
          Request&, Response& r) { return metrics_page(*metrics, r); });
  get("/openapi.json", [](Request&, Response& r) { return answer(r, 200, kOpenApiDocument); });
  auto router = std::make_unique<http::Router>(std::vector<std::string>{"/"}, std::move(routes),
                                               dependencies.errors);
  return std::make_unique<Guarded>(std::move(router), std::move(dependencies));
}

}  // namespace sojourn::admin
