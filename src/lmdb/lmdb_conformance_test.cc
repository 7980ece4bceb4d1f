// The embedded store keeps what every store promises, and its tables agree after each test.
#include "test_directory.h"

namespace sojourn::lmdb {
namespace {

using store::testing::Conformance;
using store::testing::StoreFactory;
using store::testing::StoreUnderTest;

// Goes on whenever it is asked.
class TickingClock final : public Clock {
 public:
  Time now() const override { return Time(Duration(++now_)); }

 private:
  mutable std::atomic<int64_t> now_ = 1'800'000'000'000;
};

class LmdbUnderTest final : public StoreUnderTest {
 public:
  explicit LmdbUnderTest(std::optional<Duration> sync_interval, size_t max_batch)
      : options_{.path = directory_.data(),
                 .map_size = 64 << 20,
                 .sync_interval = sync_interval,
                 .max_batch = max_batch} {
    open();
  }
  ~LmdbUnderTest() override { expect_sound(*engine_); }

  std::unique_ptr<store::SessionStore> store_for(Executor& home) override {
    return engine_->store_for(home);
  }

  bool reopen() override {
    expect_sound(*engine_);
    engine_.reset();
    open();
    return true;
  }

 private:
  void open() { engine_ = LmdbEngine::open(options_, clock_, entropy_, log_).value(); }

  TestDirectory directory_;
  LmdbOptions options_;
  TickingClock clock_;
  CountingEntropy entropy_;
  NoLog log_;
  std::unique_ptr<LmdbEngine> engine_;
};

StoreFactory factory(std::string name, std::optional<Duration> sync_interval, size_t max_batch) {
  return StoreFactory(std::move(name),
                      [=] { return std::make_unique<LmdbUnderTest>(sync_interval, max_batch); });
}

INSTANTIATE_TEST_SUITE_P(Lmdb, Conformance,
                         ::testing::Values(factory("sync", std::nullopt, 1024),
                                           factory("sync_batches_of_two", std::nullopt, 2),
                                           factory("interval", Duration(5), 1024)),
                         [](const auto& suite) { return suite.param.name; });

}  // namespace
}  // namespace sojourn::lmdb
