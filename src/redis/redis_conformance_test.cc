// The cluster store keeps what every store promises, on one Redis and on a cluster.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

#include "testing/conformance.h"
#include "testing/on_loop.h"
#include "testing/redis_servers.h"

namespace sojourn::redis {
namespace {

using store::testing::Conformance;
using store::testing::StoreFactory;
using store::testing::StoreUnderTest;

class RedisUnderTest final : public StoreUnderTest {
 public:
  explicit RedisUnderTest(testing::RedisServers& servers) : servers_(servers) {
    servers_.forget_all();
    open();
  }

  std::unique_ptr<store::SessionStore> store_for(Executor& home) override {
    return std::make_unique<testing::StoreOnLoop>(*engine_, home);
  }

  bool reopen() override {
    engine_.reset();
    open();
    return true;
  }

 private:
  void open() {
    engine_ = RedisEngine::open({}, servers_.client_factory(), entropy_, log_).value();
  }

  testing::RedisServers& servers_;
  testing::SystemRandom entropy_;
  NoLog log_;
  std::unique_ptr<RedisEngine> engine_;
};

StoreFactory factory(std::string name, testing::RedisServers& (*servers)()) {
  return {std::move(name), [=] { return std::make_unique<RedisUnderTest>(servers()); }};
}

// Enough random runs for every run of the tests; ten times as many with SOJOURN_TEST_SCALE=full.
// What RC_PARAMS says goes before.
[[maybe_unused]] const bool few_random_runs = [] {
  const char* const scale = std::getenv("SOJOURN_TEST_SCALE");
  if (scale && std::string_view(scale) == "full") return false;
  return setenv("RC_PARAMS", "max_success=10", 0) == 0;
}();

INSTANTIATE_TEST_SUITE_P(Redis, Conformance,
                         ::testing::Values(factory("single", testing::single_redis),
                                           factory("cluster", testing::redis_cluster)),
                         [](const auto& suite) { return suite.param.name; });

}  // namespace
}  // namespace sojourn::redis
