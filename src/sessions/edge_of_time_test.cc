// Sessions that are found past their time: "over" is committed before anyone hears it, and an
// access that was there first keeps the session alive. And touches that cannot be written.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "operations_test_kit.h"

namespace sojourn::sessions {
namespace {

using namespace std::chrono_literals;
using domain::Cause;
using domain::EventType;

constexpr ErrorKind kStoreErrors[] = {ErrorKind::store_full, ErrorKind::store_unavailable,
                                      ErrorKind::overloaded};

// What a verb says of a session: "alive", "over", or the code of an error.
template <class T, class Predicate>
std::string word_of(const Result<T>& answer, Predicate shows_it) {
  if (!answer) return std::string(code_of(answer.error().kind));
  return shows_it(*answer) ? "alive" : "over";
}
std::string word_of(const Result<Answer>& answer, const domain::SessionId& id) {
  if (answer) return answer->session.id == id ? "alive" : "over";
  const ErrorKind kind = answer.error().kind;
  const bool over = kind == ErrorKind::session_not_found || kind == ErrorKind::version_mismatch;
  return over ? "over" : std::string(code_of(kind));
}

class EdgeOfTime : public Operations {
 protected:
  // A session that every verb can find.
  domain::SessionId made() { return put_again()->session.id; }
  // As made(), and its time is over; nobody has noticed.
  domain::SessionId past_its_time() {
    const domain::SessionId id = made();
    clock_.advance(30min);
    return id;
  }
  Result<Answer> put_again() {
    return run(create(context_, {tenant_, {{.customer_id = "bob"}, {}}, "key"}));
  }
  Result<Answer> head(const domain::SessionId& id) {
    return run(retrieve(context_, {tenant_, id, {}, IfUnknown::never_create}));
  }
  Result<size_t> end_bobs() { return run(end_all(context_, {tenant_, bob(), {}})); }
  Result<Listing> listed(std::optional<domain::AttributeValue> where) {
    return run(list(context_, {tenant_, std::move(where), {}, 50}));
  }
  static domain::AttributeValue bob() { return {domain::IdentityAttribute::customer_id, "bob"}; }
  std::optional<domain::Session> stored(const domain::SessionId& id) {
    return *run(model_.get(tenant_, id));
  }
  size_t events_of_type(EventType type) {
    size_t count = 0;
    for (const auto& event : events()) count += event.type == type ? 1 : 0;
    return count;
  }
  void let_a_touch_be_first() {
    store_.rivals = 1;
    store_.rivals_touch = true;
  }
};

// Each of the verbs that tell whether a session is alive.
class EdgeOfTimeVerbs : public EdgeOfTime, public testing::WithParamInterface<const char*> {
 protected:
  std::string says(const domain::SessionId& id) {
    const std::string verb = GetParam();
    const domain::Preconditions any{.if_match = domain::EntityTags{.any = true}};
    if (verb == "Get") return word_of(get(id), id);
    if (verb == "Head") return word_of(head(id), id);
    if (verb == "Post") return word_of(post(id, {.visit_id = "v"}), id);
    if (verb == "PostOfNothing") return word_of(post(id, {}), id);
    if (verb == "PostIfMatch") return word_of(run(associate(context_, {tenant_, id, {}, any})), id);
    if (verb == "Delete") return word_of(run(end(context_, {tenant_, id, {}})), id);
    if (verb == "DeleteIfMatch") return word_of(run(end(context_, {tenant_, id, any})), id);
    if (verb == "PutAgain") return word_of(put_again(), id);
    const auto any_listed = [](const Listing& listing) { return !listing.sessions.empty(); };
    if (verb == "ListOfTenant") return word_of(listed(std::nullopt), any_listed);
    if (verb == "ListOfCustomer") return word_of(listed(bob()), any_listed);
    if (verb == "EndAll") return word_of(end_bobs(), [](size_t ended) { return ended > 0; });
    if (verb == "Count") {
      return word_of(run(count(context_, tenant_)),
                     [](const domain::Counts& counts) { return counts.named > 0; });
    }
    options_.policy.max_sessions = 1;  // "Quota": is there room for one more?
    apply_options();
    const auto other = run(create(context_, {tenant_, {}, {}}));
    if (!other && other.error().kind == ErrorKind::quota_exceeded) return "alive";
    return word_of(other, id);
  }
};

INSTANTIATE_TEST_SUITE_P(, EdgeOfTimeVerbs,
                         testing::Values("Get", "Head", "Post", "PostOfNothing", "PostIfMatch",
                                         "Delete", "DeleteIfMatch", "PutAgain", "ListOfTenant",
                                         "ListOfCustomer", "EndAll", "Count", "Quota"),
                         [](const auto& verb) { return std::string(verb.param); });

TEST_P(EdgeOfTimeVerbs, OverIsCommittedBeforeAnyoneHearsIt) {
  const auto id = past_its_time();
  EXPECT_EQ(says(id), "over");
  EXPECT_FALSE(stored(id)) << "so a touch that was decided before comes too late";
  EXPECT_EQ(events_of_type(EventType::expired), 1u);
  store_.commits = 0;
  EXPECT_EQ(word_of(head(id), id), "over");
  EXPECT_EQ(store_.commits, 0) << "one commit a session, however often it is asked for";
  EXPECT_EQ(run(reap(context_, 10))->expired, 0u) << "nothing is left to the reaper";
}

TEST_P(EdgeOfTimeVerbs, ATouchThatWasFirstKeepsItAlive) {
  const auto id = past_its_time();
  let_a_touch_be_first();
  EXPECT_EQ(says(id), "alive");
  EXPECT_EQ(store_.rivals, 0);
  EXPECT_EQ(events_of_type(EventType::expired), 0u);
}

TEST_P(EdgeOfTimeVerbs, WhileItsEndCannotBeCommittedNobodyHearsThatItIsOver) {
  const auto id = past_its_time();
  for (const ErrorKind kind : kStoreErrors) {
    store_.commit_error = Error{kind, "no"};
    EXPECT_EQ(says(id), code_of(kind));
    EXPECT_TRUE(stored(id));
    EXPECT_EQ(events().size(), 1u) << "and no session is made in its place";
  }
  store_.commit_error.reset();
  EXPECT_EQ(says(id), "over");
}

TEST_F(EdgeOfTime, SaysWhetherItsIdleTimeOrItsLifetimeIsOver) {
  const auto idle = created().session.id;
  clock_.advance(30min);
  get(idle).value();
  EXPECT_EQ(events().at(1).cause, Cause::expired_idle);
  EXPECT_EQ(events().at(1).time, clock_.now()) << "when it was due";

  options_.policy.max_lifetime = 40min;
  apply_options();
  const auto used = created().session.id;
  clock_.advance(20min);
  get(used).value();
  clock_.advance(1h);
  get(used).value();
  const auto last = events().at(events().size() - 2);
  EXPECT_EQ(last.session, used);
  EXPECT_EQ(last.cause, Cause::expired_lifetime);
  EXPECT_EQ(last.time, clock_.now() - 40min);
}

TEST_F(EdgeOfTime, EventsOffChangesNothingElse) {
  context_.events.retention = 0ms;
  const auto id = past_its_time();
  EXPECT_TRUE(get(id)->is_new);
  EXPECT_FALSE(stored(id));
  EXPECT_TRUE(events().empty());
}

TEST_F(EdgeOfTime, TheReaperForgetsNoKeyWhoseSessionIsTouchedAtTheLastMoment) {
  options_.policy.idle_timeout = 13h;
  options_.policy.max_lifetime = 100h;
  apply_options();
  const auto id = made();
  clock_.advance(12h);
  get(id).value();
  clock_.advance(1h);
  EXPECT_EQ(run(reap(context_, 10))->refiled, 1u) << "to where its time is over now";
  clock_.advance(12h);  // the key was due an hour ago, so it is looked at first
  let_a_touch_be_first();
  const auto reaped = run(reap(context_, 10));
  EXPECT_EQ(reaped->expired + reaped->forgotten, 0u);
  EXPECT_EQ(put_again()->session.id, id);
}

// A touch is worth less than the read that it belongs to.
TEST_F(EdgeOfTime, ATouchThatCannotBeWrittenDoesNotFailTheRead) {
  const Answer answer = created();
  clock_.advance(5min);
  for (const ErrorKind kind : kStoreErrors) {
    store_.commit_error = Error{kind, "no"};
    EXPECT_EQ(get(answer.session.id)->session, answer.session) << "shows what is stored";
    EXPECT_EQ(post(answer.session.id, {.agent_id = "a"}).error().kind, kind);
  }
}

TEST_F(EdgeOfTime, AReadWhoseTouchFailedDoesNotShowWhatIsOverMeanwhile) {
  for (const ErrorKind kind : kStoreErrors) {
    const auto id = created().session.id;
    clock_.advance(30min - 1ms);
    store_.on_commit = [&](const domain::Change& change) {
      if (change.after) clock_.advance(1s);  // the store takes its time, and then refuses
      store_.commit_error = Error{kind, "no"};
    };
    EXPECT_EQ(get(id).error().kind, kind) << "it cannot be ended either";
    EXPECT_TRUE(stored(id));
    store_.on_commit = {};
    store_.commit_error.reset();
  }
}

TEST_F(EdgeOfTime, AReadWhoseTouchFailedMaySayThatItIsOverOnceThatIsCommitted) {
  for (const ErrorKind kind : kStoreErrors) {
    const auto id = created().session.id;
    clock_.advance(30min - 1ms);
    store_.on_commit = [&](const domain::Change& change) {
      store_.commit_error.reset();
      if (!change.before || !change.after) return;  // only the touch is refused
      clock_.advance(1s);
      store_.commit_error = Error{kind, "no"};
    };
    EXPECT_TRUE(get(id)->is_new);
    EXPECT_FALSE(stored(id));
    store_.on_commit = {};
  }
}

TEST_F(EdgeOfTime, AListShowsInOrderWhatTurnsOutToBeAlive) {
  std::vector<domain::SessionId> ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(created({.customer_id = "bob"}).session.id);
    clock_.advance(1ms);
  }
  clock_.advance(15min);
  get(ids[0]).value();
  get(ids[3]).value();
  get(ids[5]).value();
  clock_.advance(20min);
  let_a_touch_be_first();  // of the newest of those that are past their time
  const auto page = listed(bob());
  std::vector<domain::SessionId> shown;
  for (const auto& session : page->sessions) shown.push_back(session.id);
  EXPECT_EQ(shown, (std::vector{ids[5], ids[4], ids[3], ids[0]}));
  EXPECT_EQ(database_.count(tenant_).named, 4u);
}

TEST_F(EdgeOfTime, AListDoesNotShowWhatWasGivenToAnotherMeanwhile) {
  const auto id = created({.agent_id = "a"}).session.id;
  clock_.advance(30min);
  store_.on_commit = [&, done = false](const domain::Change& end) mutable {
    if (std::exchange(done, true)) return;
    domain::Change rival{.before = end.before, .after = end.before};
    rival.after->expires_at += 30min;
    rival.after->identity.agent_id = "b";
    run(model_.commit(rival)).value();
  };
  EXPECT_TRUE(listed({{domain::IdentityAttribute::agent_id, "a"}})->sessions.empty());
  EXPECT_EQ(listed({{domain::IdentityAttribute::agent_id, "b"}})->sessions.at(0).id, id);
}

TEST_F(EdgeOfTime, TheReaperGoesByThePolicyOfTheTenant) {
  options_.policies[tenant_] = {.idle_timeout = 10min, .max_lifetime = 10min};
  apply_options();
  created();
  created();
  clock_.advance(10min);
  EXPECT_EQ(run(reap(context_, 1))->expired, 1u);
  EXPECT_EQ(events().back().cause, Cause::expired_lifetime);

  const auto kept = tenant_;
  options_ = {.closed = true};  // the tenant is gone; what it left is removed
  apply_options();
  EXPECT_EQ(run(reap(context_, 10))->expired, 1u);
  EXPECT_EQ(run(model_.count(kept)), domain::Counts{});
}

TEST_F(EdgeOfTime, APageIsNeverLongerThanItsLimit) {
  std::vector<domain::SessionId> ids;
  for (int i = 0; i < 13; ++i) {
    ids.push_back(created().session.id);
    clock_.advance(1ms);
  }
  clock_.advance(15min);
  for (size_t i = 0; i < 10; ++i) get(ids[i]).value();
  clock_.advance(20min);  // the newest three are over
  ListRequest request{.tenant = tenant_, .where = {}, .below = {}, .limit = 4};
  std::vector<size_t> pages;
  do {
    const auto page = run(list(context_, request));
    pages.push_back(page->sessions.size());
    request.below = page->below;
  } while (request.below);
  EXPECT_EQ(pages, (std::vector<size_t>{4, 4, 2}));
}

}  // namespace
}  // namespace sojourn::sessions
