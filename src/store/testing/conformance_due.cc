// The conformance suite: what is due, and idempotency keys.
#include <algorithm>
#include <atomic>

#include "testing/conformance.h"
#include "testing/sessions.h"
#include "threads.h"

namespace sojourn::store::testing {

void take_in_due_tests() {}

namespace {

using domain::Change;
using domain::IdempotencyEntry;
using domain::Session;

const domain::TenantId kTenant = tenant("t");
constexpr size_t kAll = 1000;

Time at(int64_t milliseconds) { return Time(Duration(milliseconds)); }

Session expiring(Time time, uint64_t number, const domain::TenantId& t = kTenant) {
  Session session = plain_session(t, number);
  session.expires_at = time;
  return session;
}

Change key_change(const std::string& key, std::optional<IdempotencyEntry> before,
                  std::optional<IdempotencyEntry> after) {
  Change change;
  change.idempotency = {kTenant, key, std::move(before), std::move(after)};
  return change;
}

// The ids of the sessions among what is due, in order of their time.
std::vector<domain::SessionId> sessions_in(const std::vector<Due>& all) {
  std::vector<domain::SessionId> ids;
  for (const Due& due : all) {
    if (const auto* id = std::get_if<domain::SessionId>(&due.what)) ids.push_back(*id);
  }
  return ids;
}

TEST_P(Conformance, FindsWhatIsDueTheEarliestFirst) {
  EXPECT_TRUE(ask(store().due(at(1000), kAll)).empty());
  ASSERT_EQ(commit(creation(expiring(at(30), 1))), CommitOutcome::committed);
  ASSERT_EQ(commit(creation(expiring(at(10), 2, tenant("zzz")))), CommitOutcome::committed);
  ASSERT_EQ(commit(creation(expiring(at(20), 3, tenant("a")))), CommitOutcome::committed);
  ASSERT_EQ(commit(creation(expiring(at(-5), 4))), CommitOutcome::committed);
  const std::vector<domain::SessionId> all = {session_id(4), session_id(2), session_id(3),
                                              session_id(1)};
  EXPECT_EQ(sessions_in(ask(store().due(at(30), kAll))), all);
  EXPECT_EQ(sessions_in(ask(store().due(at(29), kAll))).size(), 3u);
  EXPECT_EQ(sessions_in(ask(store().due(at(30), 2))), (std::vector{all[0], all[1]}));
  EXPECT_TRUE(ask(store().due(at(-6), kAll)).empty());
  const Due second = ask(store().due(at(30), 2))[1];
  EXPECT_EQ(second.filed_at, at(10));
  EXPECT_EQ(second.tenant, tenant("zzz"));
}

TEST_P(Conformance, ATouchDoesNotMoveWhatIsFiledAndRefilingDoes) {
  const Session session = expiring(at(10), 1);
  Session touched = session;
  touched.expires_at = at(50);
  ASSERT_EQ(commit(creation(session)), CommitOutcome::committed);
  ASSERT_EQ(commit(touching(session, touched)), CommitOutcome::committed);
  ASSERT_EQ(ask(store().due(at(10), kAll)).size(), 1u);
  EXPECT_EQ(ask(store().due(at(10), kAll))[0].filed_at, at(10));

  Change refiled = touching(touched, touched);
  refiled.expiry = Change::Expiry::refile;
  ASSERT_EQ(commit(refiled), CommitOutcome::committed);
  EXPECT_TRUE(ask(store().due(at(49), kAll)).empty());
  ASSERT_EQ(ask(store().due(at(50), kAll)).size(), 1u);
  EXPECT_EQ(get(kTenant, session.id), touched);

  // Never too late, even when the end comes nearer.
  Session nearer = touched;
  nearer.expires_at = at(20);
  ASSERT_EQ(commit(touching(touched, nearer)), CommitOutcome::committed);
  EXPECT_EQ(ask(store().due(at(20), kAll)).size(), 1u);
  ASSERT_EQ(commit(deletion(nearer)), CommitOutcome::committed);
  EXPECT_TRUE(ask(store().due(at(1000), kAll)).empty());
}

TEST_P(Conformance, KeepsAnIdempotencyKeyUntilItIsRemoved) {
  const auto entry = idempotency_entry(1, at(100));
  const auto later = idempotency_entry(1, at(200));
  EXPECT_EQ(ask(store().idempotency_entry(kTenant, "k")), std::nullopt);
  Change made = creation(expiring(at(1000), 1));
  made.idempotency = {kTenant, "k", std::nullopt, entry};
  ASSERT_EQ(commit(made), CommitOutcome::committed);
  EXPECT_EQ(ask(store().idempotency_entry(kTenant, "k")), entry);
  EXPECT_EQ(ask(store().idempotency_entry(kTenant, "kk")), std::nullopt);
  EXPECT_EQ(ask(store().idempotency_entry(tenant("u"), "k")), std::nullopt);

  const auto due = ask(store().due(at(100), kAll));
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].what, (std::variant<domain::SessionId, std::string>(std::string("k"))));
  EXPECT_EQ(due[0].tenant, kTenant);
  EXPECT_EQ(due[0].filed_at, at(100));

  ASSERT_EQ(commit(key_change("k", entry, later)), CommitOutcome::committed);
  EXPECT_EQ(ask(store().idempotency_entry(kTenant, "k")), later);
  EXPECT_TRUE(ask(store().due(at(199), kAll)).empty());
  EXPECT_EQ(ask(store().due(at(200), kAll)).size(), 1u);
  if (reopen()) {
    EXPECT_EQ(ask(store().idempotency_entry(kTenant, "k")), later);
  }
  ASSERT_EQ(commit(key_change("k", later, std::nullopt)), CommitOutcome::committed);
  EXPECT_EQ(ask(store().idempotency_entry(kTenant, "k")), std::nullopt);
  EXPECT_TRUE(ask(store().due(at(200), kAll)).empty());
  EXPECT_TRUE(get(kTenant, session_id(1)).has_value());
}

TEST_P(Conformance, AKeyThatDiffersInOneMemberIsAConflict) {
  const auto entry = idempotency_entry(1, at(100));
  ASSERT_EQ(commit(key_change("k", std::nullopt, entry)), CommitOutcome::committed);
  std::vector<std::optional<IdempotencyEntry>> stale = {std::nullopt, entry, entry, entry};
  stale[1]->fingerprint[15] ^= 1;
  stale[2]->session = session_id(2);
  stale[3]->keep_until += Duration(1);
  for (const auto& before : stale) {
    EXPECT_EQ(commit(key_change("k", before, idempotency_entry(9, at(9)))),
              CommitOutcome::conflict);
    EXPECT_EQ(commit(key_change("k", before, std::nullopt)), CommitOutcome::conflict);
  }
  EXPECT_EQ(commit(key_change("other", entry, entry)), CommitOutcome::conflict);
  EXPECT_EQ(ask(store().idempotency_entry(kTenant, "k")), entry);
}

// Either both parts of a change are made or none of it, and then there is no event.
TEST_P(Conformance, AConflictOfOnePartUndoesTheOther) {
  const auto entry = idempotency_entry(1, at(100));
  ASSERT_EQ(commit(key_change("taken", std::nullopt, entry)), CommitOutcome::committed);
  Change lost_key = creation(expiring(at(10), 1));
  lost_key.idempotency = {kTenant, "taken", std::nullopt, idempotency_entry(2, at(5))};
  EXPECT_EQ(commit(lost_key), CommitOutcome::conflict);
  EXPECT_EQ(get(kTenant, session_id(1)), std::nullopt);
  EXPECT_EQ(ask(store().idempotency_entry(kTenant, "taken")), entry);

  Change lost_session = deletion(expiring(at(10), 1));
  lost_session.idempotency = {kTenant, "free", std::nullopt, entry};
  EXPECT_EQ(commit(lost_session), CommitOutcome::conflict);
  EXPECT_EQ(ask(store().idempotency_entry(kTenant, "free")), std::nullopt);
  EXPECT_EQ(ask(store().due(at(1000), kAll)).size(), 1u);
  EXPECT_TRUE(kept_events(store(), home(), kTenant).empty());
  EXPECT_EQ(ask(store().count(kTenant)), domain::Counts{});
}

TEST_P(Conformance, KeysOfAnyBytesNeverMeet) {
  std::string every(128, '\0');
  for (size_t i = 0; i < every.size(); ++i) every[i] = static_cast<char>('!' + i % 94);
  // Of callers too; the last one is the longest there is.
  const std::vector<std::string> keys = {"a",
                                         "aa",
                                         "b",
                                         "~",
                                         "a a",
                                         "a b",
                                         "b a",
                                         every,
                                         std::string(128, '~'),
                                         std::string(64, '~') + " " + every};
  ASSERT_EQ(keys.back().size(), domain::kMaxFiledKeyBytes);
  for (size_t i = 0; i < keys.size(); ++i) {
    ASSERT_EQ(commit(key_change(keys[i], {}, idempotency_entry(i, at(7)))),
              CommitOutcome::committed);
  }
  for (size_t i = 0; i < keys.size(); ++i) {
    EXPECT_EQ(ask(store().idempotency_entry(kTenant, keys[i])), idempotency_entry(i, at(7)));
  }
  EXPECT_EQ(ask(store().due(at(7), kAll)).size(), keys.size());
}

TEST_P(Conformance, OneOfAHundredRacingCreationsWithOneKeyCommits) {
  std::atomic<uint64_t> won = 0;
  on_threads(under_test(), [&](size_t thread, SessionStore& mine, TestExecutor& pump) {
    std::vector<Change> changes;
    for (uint64_t i = 0; i < 100 / kThreads; ++i) {
      const uint64_t number = 1 + thread * 100 + i;
      changes.push_back(creation(expiring(at(10), number)));
      changes.back().idempotency = {kTenant, "k", std::nullopt, idempotency_entry(number, at(9))};
    }
    std::vector<Task<Result<CommitOutcome>>> tasks;
    for (const Change& change : changes) tasks.push_back(mine.commit(change));
    const auto outcomes = pump.run(when_all(std::move(tasks)));
    for (const auto& outcome : outcomes) {
      ASSERT_TRUE(outcome.has_value());
      won += *outcome == CommitOutcome::committed ? 1 : 0;
    }
  });
  EXPECT_EQ(won.load(), 1u);
  const auto sessions = walk(store(), home(), {.tenant = kTenant});
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_EQ(ask(store().idempotency_entry(kTenant, "k"))->session, sessions[0].id);
  EXPECT_EQ(kept_events(store(), home(), kTenant).size(), 1u);
  EXPECT_EQ(ask(store().due(at(10), kAll)).size(), 2u);
}

}  // namespace
}  // namespace sojourn::store::testing
