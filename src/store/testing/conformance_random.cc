// The conformance suite: random changes to the store and to the model side by side.
#include <rapidcheck.h>

#include <algorithm>
#include <stdexcept>
#include <tuple>

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
      domain::Change change = touching(*before, touched);
      if (*rc::gen::arbitrary<bool>()) change.expiry = domain::Change::Expiry::refile;
      return change;
    }
    default:
      return update(*before, with_random_fields(*before));
  }
}

// Adds an idempotency key to the change, or makes one of a key alone.
void add_key(domain::Change& change, const domain::TenantId& t, ModelDatabase& model) {
  const std::string key = *rc::gen::element<std::string>("k", "kk", std::string(128, 'k'));
  const auto current = model.idempotency_entry({t, key});
  std::optional<domain::IdempotencyEntry> before = current;
  if (*rc::gen::inRange(0, 8) == 0) before = idempotency_entry(77, any_time());
  std::optional<domain::IdempotencyEntry> after;
  if (*rc::gen::inRange(0, 3) != 0) {
    after = idempotency_entry(*rc::gen::inRange<uint64_t>(0, 3), any_time());
  }
  change.idempotency = {t, key, before, after};
}

auto place_of(const Due& due) { return std::tie(due.filed_at, due.tenant, due.what); }

size_t any_budget() { return *rc::gen::element<size_t>(1, 600, 5'000, kPageBytes); }

void compare_lists(SessionStore& store, TestExecutor& home, ModelDatabase& model) {
  const auto t = *any_tenant();
  Query query{.tenant = t, .limit = *rc::gen::inRange<size_t>(1, 4), .bytes = any_budget()};
  if (*rc::gen::arbitrary<bool>()) {
    query.where =
        domain::AttributeValue{*rc::gen::element(domain::IdentityAttribute::customer_id,
                                                 domain::IdentityAttribute::agent_id),
                               std::string(static_cast<size_t>(*rc::gen::element(0, 256)), '\xFF')};
    // Mostly a value that some session has.
    const auto some = model.get({t, session_id(*rc::gen::inRange<uint64_t>(0, 4))});
    if (some) query.where->value = value_of(some->identity, query.where->attribute);
  }
  if (*rc::gen::arbitrary<bool>()) query.below = session_id(*rc::gen::inRange<uint64_t>(0, 5));
  const SessionPage page = answer_from(home, store.find(query));
  const SessionPage expected = model.find(query);
  RC_ASSERT(page.sessions == expected.sessions);
  RC_ASSERT(page.more == expected.more);
  RC_ASSERT(answer_from(home, store.count(t)) == model.count(t));
}

void compare_due(SessionStore& store, TestExecutor& home, ModelDatabase& model) {
  const Time now = any_time();
  auto due = answer_from(home, store.due(now, 1000));
  auto expected = model.due(now, 1000);
  RC_ASSERT(std::ranges::is_sorted(due, {}, &Due::filed_at));
  std::ranges::sort(due, {}, place_of);
  std::ranges::sort(expected, {}, place_of);
  RC_ASSERT(std::ranges::equal(due, expected, {}, place_of, place_of));
  const auto few = answer_from(home, store.due(now, 2));
  RC_ASSERT(few.size() == std::min<size_t>(2, due.size()));
  for (size_t i = 0; i < few.size(); ++i) RC_ASSERT(few[i].filed_at == due[i].filed_at);
}

void compare_events(SessionStore& store, TestExecutor& home, ModelDatabase& model) {
  if (*rc::gen::inRange(0, 4) == 0) {
    const Time time = any_time();
    size_t trimmed = 0;
    for (size_t count = 3; count == 3;) {
      count = answer_from(home, store.trim_events(time, 3));
      trimmed += count;
    }
    // A store may remove later what a change cut off.
    RC_ASSERT(trimmed >= model.trim_events(time, 100'000));
  }
  ModelStore model_store(model);
  const auto t = *any_tenant();
  RC_ASSERT(kept_events(store, home, t) == kept_events(model_store, home, t));
  const auto from_beginning = EventQuery{.tenant = t, .after = 0, .bytes = any_budget()};
  const auto page = answer_from(home, store.events(from_beginning));
  const auto expected = model.events(from_beginning);
  RC_ASSERT(page.gap == expected.gap);
  RC_ASSERT(std::ranges::equal(page.events, expected.events, {}, &domain::LoggedEvent::event,
                               &domain::LoggedEvent::event));
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
    domain::Change change = any_change(t, id, model.get({t, id}));
    const int key = *rc::gen::inRange(0, 6);
    if (key == 0) change = {};
    if (key <= 1) add_key(change, t, model);
    if (*rc::gen::inRange(0, 4) == 0) change.logging = domain::Change::Logging::off;
    RC_ASSERT(commit_to(*store, home, change) == model.commit(change));
    RC_ASSERT(get_from(*store, home, t, id) == model.get({t, id}));
    for (const char* name : {"k", "kk"}) {
      RC_ASSERT(answer_from(home, store->idempotency_entry(t, name)) ==
                model.idempotency_entry({t, name}));
    }
    compare_lists(*store, home, model);
    compare_due(*store, home, model);
    compare_events(*store, home, model);
  }
}

namespace {

TEST_P(Conformance, RandomChangesLookLikeTheModel) {
  const bool passed = rc::check([] { compare_with_model(*GetParam().make()); });
  EXPECT_TRUE(passed) << "run again with the RC_PARAMS printed above";
}

}  // namespace
}  // namespace sojourn::store::testing
