// The conformance suite: random changes to the store and to the model side by side.
#include <rapidcheck.h>

#include <stdexcept>

#include "testing/conformance.h"
#include "testing/model_store.h"
#include "testing/sessions.h"

namespace sojourn::store::testing {

void take_in_random_tests() {}

namespace {

using domain::Session;

// Few ids and tenants, so that changes of one session meet.
rc::Gen<domain::TenantId> any_tenant() {
  return rc::gen::element(tenant("a"), tenant("ab"), tenant(std::string(128, 'a')));
}

rc::Gen<std::string> any_text(int limit) {
  return rc::gen::mapcat(rc::gen::inRange(0, limit + 1), [](int size) {
    return rc::gen::container<std::string>(static_cast<size_t>(size), rc::gen::arbitrary<char>());
  });
}

Time any_time() { return Time(Duration(*rc::gen::inRange<int64_t>(-5, 253'402'300'799'999))); }

// Mostly short, now and then at the limit.
std::string any_value() {
  return *rc::gen::weightedOneOf<std::string>({{3, rc::gen::just(std::string())},
                                               {6, any_text(4)},
                                               {1, rc::gen::just(std::string(256, '\xFF'))}});
}

Session with_random_fields(Session session) {
  session.identity = {.agent_id = any_value(),
                      .customer_id = any_value(),
                      .visit_id = any_value(),
                      .global_visit_id = any_value()};
  session.created_at = any_time();
  session.last_accessed_at = any_time();
  session.expires_at = any_time();
  session.version = *rc::gen::arbitrary<uint64_t>();
  session.attributes = std::string(static_cast<size_t>(*rc::gen::element(0, 1, 300, 3000, 8192)),
                                   *rc::gen::arbitrary<char>());
  return session;
}

// A change of the session as it is, or of what it might have been.
domain::Change any_change(const domain::TenantId& t, const domain::SessionId& id,
                          const std::optional<Session>& current) {
  Session blank = plain_session(t, 0);
  blank.id = id;
  std::optional<Session> before = current;
  switch (*rc::gen::weightedElement<int>({{8, 0}, {1, 1}, {1, 2}})) {
    case 1:
      before = current ? std::nullopt : std::optional(blank);
      break;
    case 2: {
      const auto others = one_member_changed(current.value_or(blank));
      before = others[*rc::gen::inRange<size_t>(0, others.size())];
      break;
    }
    default:
      break;
  }
  if (!before) return creation(with_random_fields(blank));
  switch (*rc::gen::inRange(0, 4)) {
    case 0:
      return deletion(*before);
    case 1: {
      Session touched = *before;
      touched.expires_at += Duration(*rc::gen::inRange(0, 100'000));
      return update(*before, touched);
    }
    default:
      return update(*before, with_random_fields(*before));
  }
}

}  // namespace

void compare_with_model(StoreUnderTest& under_test) {
  TestExecutor home;
  auto store = under_test.store_for(home);
  ModelDatabase model;
  const int steps = *rc::gen::inRange(1, 60);
  for (int step = 0; step < steps; ++step) {
    if (*rc::gen::inRange(0, 20) == 0) {
      store.reset();
      const bool durable = under_test.reopen();
      store = under_test.store_for(home);
      if (!durable) continue;
    }
    const auto t = *any_tenant();
    const auto id = session_id(*rc::gen::inRange<uint64_t>(0, 4));
    RC_ASSERT(get_from(*store, home, t, id) == model.get({t, id}));
    const domain::Change change = any_change(t, id, model.get({t, id}));
    RC_ASSERT(commit_to(*store, home, change) == model.commit(change));
    RC_ASSERT(get_from(*store, home, t, id) == model.get({t, id}));
  }
}

namespace {

TEST_P(Conformance, RandomChangesLookLikeTheModel) {
  const bool passed = rc::check([] { compare_with_model(*GetParam().make()); });
  EXPECT_TRUE(passed) << "run again with the RC_PARAMS printed above";
}

}  // namespace
}  // namespace sojourn::store::testing
