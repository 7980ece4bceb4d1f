// What every SessionStore must do, as one parameterised GoogleTest suite.
//
// A store's test program says how to make one, and runs all of it:
//
//   INSTANTIATE_TEST_SUITE_P(Lmdb, Conformance, testing::Values(StoreFactory("sync", make)));
//
// The random part (Random*) prints its seed and takes RC_PARAMS="seed=..." to repeat a run.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "base/executor.h"
#include "store/session_store.h"
#include "testing/test_executor.h"

namespace sojourn::store::testing {

// One set of data, empty at first, and the means to use it.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;

  // A store object for the thread that pumps `home`. Called from any thread.
  virtual std::unique_ptr<SessionStore> store_for(Executor& home) = 0;

  // Closes and opens the same data. False: this store keeps nothing across that, and nothing was
  // done. Called while there is no store object.
  virtual bool reopen() = 0;
};

struct StoreFactory {
  StoreFactory(std::string suite_name, std::function<std::unique_ptr<StoreUnderTest>()> make_one);

  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>()> make;

  friend void PrintTo(const StoreFactory& factory, std::ostream* out) { *out << factory.name; }
};

class Conformance : public ::testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override;
  void TearDown() override;

  std::optional<domain::Session> get(const domain::TenantId& tenant, const domain::SessionId& id);
  CommitOutcome commit(const domain::Change& change);
  // False when the store is not durable.
  bool reopen();

  StoreUnderTest& under_test() { return *under_test_; }

 private:
  TestExecutor home_;
  std::unique_ptr<StoreUnderTest> under_test_;
  std::unique_ptr<SessionStore> store_;
};

// Helpers of the suite's files and of a store's own tests. A store that fails throws.
std::optional<domain::Session> get_from(SessionStore& store, TestExecutor& home,
                                        const domain::TenantId& tenant,
                                        const domain::SessionId& id);
CommitOutcome commit_to(SessionStore& store, TestExecutor& home, const domain::Change& change);

// Makes random changes to `under_test` and to the model, and compares all they show after each;
// reopens now and then. Throws or fails a rapidcheck assertion on a difference.
void compare_with_model(StoreUnderTest& under_test);

// The suite's other files register their tests when the linker takes them in; these see to that.
void take_in_random_tests();
void take_in_thread_tests();

}  // namespace sojourn::store::testing
