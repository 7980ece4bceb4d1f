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
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

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

// Helpers of the suite's files and of a store's own tests. A store that fails throws.
template <class T>
T answer_from(TestExecutor& home, Task<Result<T>> task) {
  auto answer = home.run(std::move(task));
  if (!answer) throw std::runtime_error("the store failed: " + answer.error().detail);
  return *std::move(answer);
}
std::optional<domain::Session> get_from(SessionStore& store, TestExecutor& home,
                                        const domain::TenantId& tenant,
                                        const domain::SessionId& id);
CommitOutcome commit_to(SessionStore& store, TestExecutor& home, const domain::Change& change);

// All pages of `query`, each of at most query.limit.
std::vector<domain::Session> walk(SessionStore& store, TestExecutor& home, Query query);
// All events of a tenant after the place `after`, read in pages of `limit`; `after` is the end of
// the log then. A gap throws.
std::vector<domain::Event> read_events(SessionStore& store, TestExecutor& home,
                                       const domain::TenantId& tenant, uint64_t& after,
                                       size_t limit);
// All that is kept.
std::vector<domain::Event> kept_events(SessionStore& store, TestExecutor& home,
                                       const domain::TenantId& tenant);

class Conformance : public ::testing::TestWithParam<StoreFactory> {
 protected:
  void SetUp() override;
  void TearDown() override;

  std::optional<domain::Session> get(const domain::TenantId& tenant, const domain::SessionId& id);
  CommitOutcome commit(const domain::Change& change);
  // Of the tenant "t".
  domain::EventPage events_after(std::optional<uint64_t> place, size_t limit = 100);
  // False when the store is not durable.
  bool reopen();

  // The answer to a call of store(). A failure throws.
  template <class T>
  T ask(Task<Result<T>> task) {
    return answer_from(home_, std::move(task));
  }

  SessionStore& store() { return *store_; }
  TestExecutor& home() { return home_; }
  StoreUnderTest& under_test() { return *under_test_; }

 private:
  TestExecutor home_;
  std::unique_ptr<StoreUnderTest> under_test_;
  std::unique_ptr<SessionStore> store_;
};

// Makes random changes to `under_test` and to the model, and compares all they show after each;
// reopens now and then. Throws or fails a rapidcheck assertion on a difference.
void compare_with_model(StoreUnderTest& under_test);

// The suite's other files register their tests when the linker takes them in; these see to that.
void take_in_random_tests();
void take_in_thread_tests();
void take_in_list_tests();
void take_in_event_tests();
void take_in_due_tests();

}  // namespace sojourn::store::testing
