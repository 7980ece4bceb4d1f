// The gate as a caller of the whole service sees it. Every scope at every route:
// tests/test_keys.py.
#include "gate.h"

#include <gmock/gmock.h>

#include "base/manual_clock.h"
#include "base/seeded_entropy.h"
#include "limits/limiter.h"
#include "sessions/quota.h"
#include "store/session_store.h"
#include "testing/model_store.h"

namespace sojourn::api {
namespace {

using testing::HasSubstr, testing::Not;

class NoTimer final : public Timer {
 public:
  void after(Duration, std::move_only_function<void()>) override {}
};

class Gate : public testing::Test {
 protected:
  // A ring of one key, with the scope `read` for tenant 1.
  std::shared_ptr<const access::KeyRing> ring(std::string name) const {
    access::ApiKey key{.name = std::move(name), .sha256 = access::KeyHasher()(secret_)};
    key.tenants = {*domain::TenantId::parse("1")};
    key.scopes.add(access::Scope::read);
    return std::make_shared<const access::KeyRing>(
        *access::KeyRing::parse(access::key_line(key), "keys.toml"));
  }

  const http::Response& ask(http::Method method, std::string_view path, std::string_view query) {
    request_ = {.method = method, .path = path, .query = query, .fields = fields_};
    response_.reset();
    auto task = service_->handle(request_, response_);
    EXPECT_TRUE(task.start([](void*) {}, nullptr));  // the model store answers at once
    task.take();
    return response_;
  }

  SeededEntropy entropy_;
  const std::string secret_ = access::make_key(entropy_);
  const std::string authorization_ = "Bearer " + secret_;
  std::vector<http::Field> fields_{{"Authorization", authorization_}};
  ManualClock clock_;
  NoTimer timer_;
  store::testing::ModelDatabase database_;
  store::testing::ModelStore store_{database_};
  limits::Limiter limiter_;
  sessions::CreationsUnderWay creations_;
  sessions::Context context_{
      store_,     clock_,
      entropy_,   std::make_shared<const sessions::Tenants>(sessions::TenantsOptions{}),
      {},         limiter_,
      creations_, timer_};
  Api api_{{}, context_, timer_, access::Guard(clock_)};
  const std::unique_ptr<http::Service> service_ = make_service(api_);
  http::Request request_;
  http::Response response_;
};

TEST_F(Gate, IsOpenWithoutKeysAndAsksForOneOnceThereAreSome) {
  fields_.clear();
  EXPECT_EQ(ask(http::Method::put, "/sessions/new", "tenantId=1").status, 200);
  EXPECT_EQ(request_.caller, "");
  api_.guard.use(ring("web"));
  const http::Response& refused = ask(http::Method::put, "/sessions/new", "tenantId=1");
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(refused.body, HasSubstr(R"("code":"UNAUTHENTICATED")"));
  EXPECT_EQ(refused.extra_fields, "WWW-Authenticate: Bearer realm=\"sojourn\"\r\n");
}

TEST_F(Gate, RefusesBeforeItLooksAtSessions) {
  api_.guard.use(ring("web"));
  EXPECT_EQ(ask(http::Method::put, "/sessions/new", "tenantId=1").status, 403);
  EXPECT_THAT(response_.extra_fields, HasSubstr(R"(error="insufficient_scope", scope="write")"));
  EXPECT_EQ(ask(http::Method::get, "/sessions", "tenantId=2").status, 403);
  EXPECT_THAT(response_.extra_fields, Not(HasSubstr("scope=\"")));
}

TEST_F(Gate, AKeyOfAnotherTenantUsesUpNoneOfItsRequests) {
  sessions::TenantsOptions tenants;
  tenants.policy.requests = {.count = 1, .per = std::chrono::hours(1), .burst = 2};
  context_.tenants = std::make_shared<const sessions::Tenants>(tenants);
  api_.guard.use(ring("web"));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ask(http::Method::get, "/sessions", "tenantId=2").status, 403);
  }
  api_.guard.use(nullptr);
  EXPECT_EQ(ask(http::Method::get, "/sessions", "tenantId=2").status, 200);
  EXPECT_EQ(ask(http::Method::get, "/sessions", "tenantId=2").status, 200);
  EXPECT_EQ(ask(http::Method::get, "/sessions", "tenantId=2").status, 429);
}

TEST_F(Gate, AsksForTheKeyBeforeItLooksAtParameters) {
  EXPECT_EQ(ask(http::Method::get, "/sessions", "tenantId=1&custmerId=c").status, 400);
  api_.guard.use(std::make_shared<const access::KeyRing>());
  EXPECT_EQ(ask(http::Method::get, "/sessions", "tenantId=1&custmerId=c").status, 401);
}

TEST_F(Gate, LetsWhoMayOnlyReadCreateNothing) {
  EXPECT_EQ(ask(http::Method::get, "/sessions/x", "tenantId=1").status, 200);
  api_.guard.use(ring("web"));
  EXPECT_EQ(ask(http::Method::get, "/sessions/x", "tenantId=1").status, 404);
}

TEST_F(Gate, NotesTheCallerForLongerThanTheRingLives) {
  const std::string name(access::kMaxKeyNameBytes, 'n');
  api_.guard.use(ring(name));
  EXPECT_EQ(ask(http::Method::get, "/sessions", "tenantId=1").status, 200);
  api_.guard.use(nullptr);
  EXPECT_EQ(request_.caller, name);
}

}  // namespace
}  // namespace sojourn::api
