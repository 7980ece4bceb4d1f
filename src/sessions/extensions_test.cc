// Ending, listing, counting, conditions, idempotency, reaping, events.
#include <xxhash.h>

#include <set>

#include "operations_test_kit.h"

namespace sojourn::sessions {
namespace {

using namespace std::chrono_literals;
using domain::EventType;
using domain::IdentityAttribute;

class Extensions : public Operations {
 protected:
  Result<Answer> delete_one(const domain::SessionId& id,
                            std::optional<domain::EntityTags> if_match = {}) {
    return run(
        end(context_, {tenant_, id, {.if_match = std::move(if_match), .if_none_match = {}}}));
  }
  Result<Answer> put(std::string key, domain::Identity given = {}) {
    return run(create(context_, {tenant_, {std::move(given), {}}, std::move(key)}));
  }
  domain::AttributeValue customer(std::string value) {
    return {IdentityAttribute::customer_id, std::move(value)};
  }
  Reaped reap_all() {
    Reaped total;
    for (bool more = true; more;) {
      const auto reaped = run(reap(context_, 10));
      total.expired += reaped->expired;
      total.refiled += reaped->refiled;
      total.forgotten += reaped->forgotten;
      total.trimmed += reaped->trimmed;
      more = reaped->more;
    }
    return total;
  }
  std::vector<EventType> event_types() {
    std::vector<EventType> types;
    for (const auto& event : events()) types.push_back(event.type);
    return types;
  }
};

TEST_F(Extensions, EndedIsFinal) {
  const Answer answer = created({.customer_id = "bob"});
  EXPECT_EQ(delete_one(answer.session.id)->session, answer.session);
  EXPECT_TRUE(get(answer.session.id)->is_new);
  EXPECT_TRUE(post(answer.session.id, {.agent_id = "a"})->is_new);
  EXPECT_EQ(delete_one(answer.session.id).error().kind, ErrorKind::session_not_found);
  EXPECT_EQ(event_types(), (std::vector{EventType::created, EventType::ended, EventType::created,
                                        EventType::created}));
}

TEST_F(Extensions, AnEndThatLosesARaceEndsWhatWon) {
  const Answer answer = created();
  store_.rivals = 2;
  EXPECT_EQ(delete_one(answer.session.id)->session.version, 3u);
  EXPECT_TRUE(get(answer.session.id)->is_new);
}

TEST_F(Extensions, IfMatchIsJudgedOnWhatIsCommitted) {
  const Answer answer = created();
  const domain::EntityTags any{.any = true, .strong = {}, .weak = {}};
  const domain::EntityTags tag{.any = false, .strong = {1}, .weak = {}};
  const domain::Preconditions one{.if_match = tag, .if_none_match = {}};
  store_.rivals = 1;
  EXPECT_EQ(
      run(associate(context_, {tenant_, answer.session.id, {{.customer_id = "bob"}, {}}, one}))
          .error()
          .kind,
      ErrorKind::version_mismatch)
      << "a rival was first";
  EXPECT_EQ(delete_one(answer.session.id, tag).error().kind, ErrorKind::version_mismatch);
  EXPECT_TRUE(delete_one(answer.session.id, any));
  EXPECT_EQ(delete_one(answer.session.id, any).error().kind, ErrorKind::version_mismatch)
      << "nothing is there";
  EXPECT_EQ(run(associate(context_, {tenant_, answer.session.id, {}, one})).error().kind,
            ErrorKind::version_mismatch)
      << "and nothing is created";
}

TEST_F(Extensions, ConditionsCountOnEveryOperationOfOneSession) {
  const Answer answer = created();
  const auto id = answer.session.id;
  const domain::EntityTags same{.any = false, .strong = {1}, .weak = {}};
  const domain::EntityTags other{.any = false, .strong = {9}, .weak = {}};
  const auto get_if = [&](std::optional<domain::SessionId> of, domain::EntityTags tags) {
    return run(retrieve(context_, {tenant_, of, {}, IfUnknown::by_policy, std::move(tags)}));
  };
  EXPECT_EQ(get_if(id, same)->session.id, id);
  EXPECT_EQ(get_if(id, other).error().kind, ErrorKind::version_mismatch);
  EXPECT_EQ(get_if(std::nullopt, same).error().kind, ErrorKind::version_mismatch);

  const domain::Preconditions unless_same{.if_match = {}, .if_none_match = same};
  EXPECT_EQ(
      run(associate(context_, {tenant_, id, {{.agent_id = "a"}, {}}, unless_same})).error().kind,
      ErrorKind::version_mismatch);
  EXPECT_EQ(run(end(context_, {tenant_, id, unless_same})).error().kind,
            ErrorKind::version_mismatch);
  EXPECT_EQ(run(associate(context_, {tenant_, std::nullopt, {}, unless_same})).error().kind,
            ErrorKind::session_not_found)
      << "a conditional request creates nothing";
  EXPECT_EQ(run(end(context_, {tenant_, std::nullopt, unless_same})).error().kind,
            ErrorKind::session_not_found);
  const domain::Preconditions unless_other{.if_match = {}, .if_none_match = other};
  EXPECT_TRUE(run(end(context_, {tenant_, id, unless_other})));
  EXPECT_EQ(database_.count(tenant_), domain::Counts{});
}

TEST_F(Extensions, EndAllEndsAllButTheException) {
  std::vector<domain::SessionId> bobs;
  for (int i = 0; i < 600; ++i) bobs.push_back(created({.customer_id = "bob"}).session.id);
  const auto eve = created({.customer_id = "eve"}).session.id;
  EXPECT_EQ(run(end_all(context_, {tenant_, customer("bob"), bobs[7]})), 599u);
  EXPECT_EQ(run(end_all(context_, {tenant_, customer("bob"), bobs[7]})), 0u);
  EXPECT_FALSE(get(bobs[7])->is_new);
  EXPECT_FALSE(get(eve)->is_new);
  EXPECT_EQ(events().back().cause, domain::Cause::ended_all);
  delete_one(eve).value();
  EXPECT_EQ(events().back().cause, domain::Cause::ended);
}

TEST_F(Extensions, EndAllSparesASessionThatAnotherWasGivenMeanwhile) {
  const Answer answer = created({.agent_id = "a", .customer_id = "bob"});
  store_.rivals = 1;  // hands the session to another agent
  EXPECT_EQ(run(end_all(context_, {tenant_, {IdentityAttribute::agent_id, "a"}, {}})), 0u);
  EXPECT_FALSE(get(answer.session.id)->is_new);
  store_.rivals = 1;  // but it is still bob's
  EXPECT_EQ(run(end_all(context_, {tenant_, customer("bob"), {}})), 1u);
  EXPECT_TRUE(get(answer.session.id)->is_new);
}

TEST_F(Extensions, EndAllDoesNotCountWhatExpired) {
  created({.customer_id = "bob"});
  clock_.advance(30min);
  created({.customer_id = "bob"});
  EXPECT_EQ(run(end_all(context_, {tenant_, customer("bob"), {}})), 1u);
}

TEST_F(Extensions, ListsLiveSessionsNewestFirstPageByPage) {
  std::vector<domain::SessionId> ids;
  for (int i = 0; i < 10; ++i) {
    clock_.advance(1ms);
    ids.push_back(created({.customer_id = i % 2 == 0 ? "bob" : "eve"}).session.id);
  }
  std::vector<domain::SessionId> seen;
  ListRequest request{.tenant = tenant_, .where = {}, .below = {}, .limit = 3};
  do {
    const auto page = run(list(context_, request));
    EXPECT_LE(page->sessions.size(), 3u);
    for (const auto& session : page->sessions) seen.push_back(session.id);
    request.below = page->below;
  } while (request.below);
  EXPECT_EQ(seen, std::vector(ids.rbegin(), ids.rend()));

  const auto bobs = run(list(context_, {tenant_, customer("bob"), {}, 200}));
  EXPECT_EQ(bobs->sessions.size(), 5u);
  EXPECT_FALSE(bobs->below);
}

TEST_F(Extensions, ExpiredIsGoneByEveryPathReapedOrNot) {
  const Answer answer = created({.customer_id = "bob"});
  const auto listed = [&] { return run(list(context_, {tenant_, {}, {}, 50}))->sessions.size(); };
  const auto counted = [&] { return run(count(context_, tenant_))->named; };
  clock_.set(answer.session.expires_at - 1ms);
  EXPECT_EQ(listed(), 1u);
  EXPECT_EQ(counted(), 1u);
  clock_.set(answer.session.expires_at);
  for (int reaped = 0; reaped < 2; ++reaped) {
    EXPECT_EQ(listed(), 0u);
    EXPECT_EQ(counted(), 0u);
    EXPECT_EQ(delete_one(answer.session.id).error().kind, ErrorKind::session_not_found);
    EXPECT_EQ(run(end_all(context_, {tenant_, customer("bob"), {}})), 0u);
    reap_all();
  }
}

TEST_F(Extensions, ALongRunOfExpiredSessionsDoesNotHideWhatLives) {
  const Answer old = created();
  clock_.advance(20min);
  get(old.session.id).value();  // lives on, although the oldest
  for (int i = 0; i < 100; ++i) {
    clock_.advance(1ms);
    created();
  }
  clock_.advance(-20min + 29min);
  get(old.session.id).value();
  clock_.advance(25min);
  std::vector<domain::Session> seen;
  ListRequest request{.tenant = tenant_, .where = {}, .below = {}, .limit = 2};
  int pages = 0;
  do {
    auto page = run(list(context_, request));
    seen.insert(seen.end(), page->sessions.begin(), page->sessions.end());
    request.below = page->below;
  } while (request.below && ++pages < 100);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].id, old.session.id);
}

TEST_F(Extensions, APageHoldsNoMoreThanItsLimitThoughSomeAreOver) {
  std::vector<domain::SessionId> live;
  for (int i = 0; i < 12; ++i) {
    clock_.advance(1ms);
    const auto id = created().session.id;
    if (i % 3 != 1) live.push_back(id);
  }
  clock_.advance(20min);
  for (const auto& id : live) get(id).value();
  clock_.advance(15min);
  std::vector<domain::SessionId> seen;
  ListRequest request{.tenant = tenant_, .where = {}, .below = {}, .limit = 4};
  do {
    const auto page = run(list(context_, request));
    EXPECT_LE(page->sessions.size(), 4u);
    for (const auto& session : page->sessions) seen.push_back(session.id);
    request.below = page->below;
  } while (request.below);
  EXPECT_EQ(seen, std::vector(live.rbegin(), live.rend()));
}

// What is over takes no room on a page, and what lives takes no more than there is.
TEST_F(Extensions, APageEndsAtItsBytesThoughSomeAreOver) {
  const std::string large = R"({"a":")" + std::string(8'000, 'x') + R"("})";
  std::vector<domain::SessionId> live;
  for (int i = 0; i < 300; ++i) {
    clock_.advance(1ms);
    const auto id = run(create(context_, {tenant_, {{}, large}, {}}))->session.id;
    if (i % 3 != 1) live.push_back(id);
  }
  clock_.advance(20min);
  for (const auto& id : live) get(id).value();
  clock_.advance(15min);
  ListRequest request{.tenant = tenant_, .where = {}, .below = {}, .limit = 1'000};
  size_t seen = 0;
  do {
    const auto page = run(list(context_, request));
    size_t bytes = 0;
    for (const auto& session : page->sessions) bytes += store::page_bytes(session);
    EXPECT_LT(bytes, store::kPageBytes + 10'000);
    seen += page->sessions.size();
    request.below = page->below;
  } while (request.below);
  EXPECT_EQ(seen, 200u);
}

TEST_F(Extensions, TheReaperRemovesWhatIsOverAndNothingElse) {
  const Answer touched = created();
  for (int i = 0; i < 25; ++i) created({.customer_id = "bob"});
  clock_.advance(20min);
  get(touched.session.id).value();
  clock_.advance(10min);
  const Reaped reaped = reap_all();
  EXPECT_EQ(reaped.expired, 25u);
  EXPECT_EQ(reaped.refiled, 1u);
  EXPECT_EQ(database_.count(tenant_), (domain::Counts{.named = 0, .anonymous = 1}));
  EXPECT_EQ(reap_all().refiled, 0u) << "not due again before its time";
  clock_.advance(20min);
  EXPECT_EQ(reap_all().expired, 1u);
  const auto all = events();
  EXPECT_EQ(all.back().type, EventType::expired);
  EXPECT_EQ(all.back().time, clock_.now()) << "when it was due";
  EXPECT_TRUE(database_.due(clock_.now() + 1000h, 10).empty());
}

TEST_F(Extensions, AnIdempotencyKeyMakesOneSession) {
  const auto first = put("k", {.visit_id = "v"});
  const auto again = put("k", {.visit_id = "v"});
  EXPECT_TRUE(again->is_new);
  EXPECT_EQ(again->session, first->session);
  EXPECT_EQ(put("k", {.visit_id = "w"}).error().kind, ErrorKind::idempotency_key_reused);
  EXPECT_NE(put("other", {.visit_id = "v"})->session.id, first->session.id);
  EXPECT_EQ(events().size(), 2u);
  const auto tenant2 = *domain::TenantId::parse("2");
  EXPECT_TRUE(run(create(context_, {tenant2, {}, "k"}))) << "keys are a tenant's own";
}

TEST_F(Extensions, AnIdempotencyKeyBelongsToItsCaller) {
  const auto put_as = [&](std::string caller) {
    return run(create(context_, {tenant_, {}, "k", std::move(caller)}))->session.id;
  };
  const std::set<domain::SessionId> made{put_as(""), put_as("web"), put_as("web-2"), put_as("k")};
  EXPECT_EQ(made.size(), 4u);
  EXPECT_TRUE(made.contains(put_as("web")) && made.contains(put_as("")));
  EXPECT_EQ(events().size(), 4u);
}

TEST_F(Extensions, TheOrderOfMembersMakesNoOtherRequest) {
  const auto put_with = [&](std::string attributes) {
    return run(create(context_, {tenant_, {{}, std::move(attributes)}, "k"}));
  };
  const auto first = put_with(R"({"b":[{"d":1,"c":2}],"a":{"f":1,"e":2}})");
  EXPECT_EQ(put_with(R"({"a":{"e":2,"f":1},"b":[{"c":2,"d":1}]})")->session.id, first->session.id);
  for (const auto* other : {R"({"a":{"e":2,"f":1},"b":[{"c":2,"d":1.0}]})",
                            R"({"a":{"e":2,"f":1},"b":[{"c":2},{"d":1}]})", "{}", ""}) {
    EXPECT_EQ(put_with(other).error().kind, ErrorKind::idempotency_key_reused) << other;
  }
}

TEST_F(Extensions, AnEntryOfAVersionThatDidNotSortMembersIsFound) {
  const std::string unsorted = R"({"b":1,"a":2})";
  const auto first = run(create(context_, {tenant_, {{}, unsorted}, "k"}));
  std::string as_sent(4 * sizeof(uint64_t), '\0');  // four lengths: no identity
  const uint64_t length = unsorted.size();
  as_sent.append(reinterpret_cast<const char*>(&length), sizeof(length)).append(unsorted);
  XXH128_canonical_t old;
  XXH128_canonicalFromHash(&old, XXH3_128bits(as_sent.data(), as_sent.size()));
  const auto entry = *run(store_.idempotency_entry(tenant_, "k"));
  domain::IdempotencyChange change{.tenant = tenant_, .key = "k", .before = entry, .after = entry};
  change.after->fingerprint = std::to_array(old.digest);
  ASSERT_NE(entry->fingerprint, change.after->fingerprint);
  domain::Change replaced;
  replaced.idempotency = change;
  ASSERT_EQ(run(store_.commit(replaced)), store::CommitOutcome::committed);
  EXPECT_EQ(run(create(context_, {tenant_, {{}, unsorted}, "k"}))->session.id, first->session.id);
  EXPECT_EQ(run(create(context_, {tenant_, {{}, R"({"a":2,"b":3})"}, "k"})).error().kind,
            ErrorKind::idempotency_key_reused);
}

TEST_F(Extensions, AKeyIsKeptForADayOrItsSessionsLife) {
  options_.policy.max_lifetime = 48h;
  options_.policy.idle_timeout = 47h;
  apply_options();
  const auto long_lived = put("long");
  const auto ended = put("ended");
  delete_one(ended->session.id).value();
  EXPECT_EQ(put("ended").error().kind, ErrorKind::session_not_found) << "kept, and over";

  clock_.advance(24h);
  reap_all();
  EXPECT_EQ(put("long")->session, long_lived->session) << "lives longer than a day";

  clock_.advance(23h);
  EXPECT_NE(put("long")->session.id, long_lived->session.id) << "both are over: free again";
  EXPECT_NE(put("ended")->session.id, ended->session.id);
  clock_.advance(72h);
  reap_all();
  EXPECT_TRUE(database_.due(clock_.now() + 10'000h, 10).empty()) << "nothing is left behind";
}

TEST_F(Extensions, AKeyOlderThanADayIsKeptWhileItsSessionIsUsed) {
  options_.policy.idle_timeout = 13h;
  options_.policy.max_lifetime = 100h;
  apply_options();
  const auto first = put("k");
  for (int i = 0; i < 5; ++i) {
    clock_.advance(12h);
    get(first->session.id).value();
    EXPECT_EQ(reap_all().forgotten, 0u);
    EXPECT_EQ(put("k")->session.id, first->session.id);
  }
  clock_.advance(13h);
  EXPECT_EQ(reap_all().forgotten, 1u);
  EXPECT_NE(put("k")->session.id, first->session.id);
}

TEST_F(Extensions, EventsAreForgottenAfterTheirRetention) {
  created();
  clock_.advance(13 * 24h);
  created();
  clock_.advance(24h + 1ms);
  reap_all();
  const auto kept = events();
  ASSERT_FALSE(kept.empty());
  for (const auto& event : kept) EXPECT_GE(event.time, clock_.now() - 14 * 24h);
}

TEST_F(Extensions, RetentionZeroWritesNoEvents) {
  context_.events.retention = 0ms;
  const Answer answer = created();
  post(answer.session.id, {.customer_id = "bob"}).value();
  delete_one(answer.session.id).value();
  EXPECT_TRUE(events().empty());
}

TEST_F(Extensions, RetentionZeroRemovesWhatWasWritten) {
  for (int i = 0; i < 25; ++i) created();
  clock_.advance(1min);
  EXPECT_EQ(reap_all().trimmed, 0u);
  context_.events.retention = 0ms;
  EXPECT_EQ(reap_all().trimmed, 25u);
  EXPECT_TRUE(events().empty());
}

TEST_F(Extensions, AClosedServerKnowsOnlyItsTenants) {
  options_.closed = true;
  options_.policies[*domain::TenantId::parse("2")] = {.idle_timeout = 5min};
  apply_options();
  EXPECT_EQ(run(create(context_, {tenant_, {}, {}})).error().kind, ErrorKind::tenant_not_found);
  EXPECT_EQ(run(retrieve(context_, {tenant_, {}, {}})).error().kind, ErrorKind::tenant_not_found);
  EXPECT_EQ(run(list(context_, {tenant_, {}, {}, 1})).error().kind, ErrorKind::tenant_not_found);
  const auto made = run(create(context_, {*domain::TenantId::parse("2"), {}, {}}));
  EXPECT_EQ(made->session.expires_at, clock_.now() + 5min);
}

}  // namespace
}  // namespace sojourn::sessions
