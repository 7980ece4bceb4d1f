// The model is a store like any other: it passes the suite it serves in.
#include "testing/model_store.h"

#include "testing/conformance.h"

namespace sojourn::store::testing {
namespace {

class ModelUnderTest final : public StoreUnderTest {
 public:
  std::unique_ptr<SessionStore> store_for(Executor&) override {
    return std::make_unique<ModelStore>(database_);
  }
  bool reopen() override { return false; }

 private:
  ModelDatabase database_;
};

INSTANTIATE_TEST_SUITE_P(Model, Conformance, ::testing::Values(StoreFactory("model", [] {
                           return std::make_unique<ModelUnderTest>();
                         })));

}  // namespace
}  // namespace sojourn::store::testing
