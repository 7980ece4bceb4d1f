// Bytes that changed behind the store's back: never shown as a session, and found by the check.
#include "check.h"

#include "event_logs.h"
#include "test_directory.h"

namespace sojourn::lmdb {
namespace {

using domain::Session;
using store::CommitOutcome;
using store::testing::creation;
using store::testing::deletion;
using store::testing::plain_session;
using store::testing::tenant;
using store::testing::update;

Session session(uint64_t number) { return plain_session(tenant("t"), number); }

TEST(LmdbDamage, ADamagedRecordFailsClosedAndAlone) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  for (uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(engine.commit(creation(session(i))).has_value());
  engine.shut();
  tamper(directory.data(), [](MDB_txn* transaction, const Tables& tables) {
    const encoding::SessionKeyBytes key(tenant("t"), session(1).id);
    std::string record(**find(transaction, tables.sessions, key.view()));
    record[60] = static_cast<char>(record[60] ^ 1);
    ASSERT_EQ(put(transaction, tables.sessions, key.view(), record), 0);
  });
  engine.open();
  const auto read = engine.get(session(1));
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().kind, ErrorKind::store_unavailable);
  for (const auto& change :
       {creation(session(1)), update(session(1), session(1)), deletion(session(1))}) {
    const auto outcome = engine.commit(change);
    ASSERT_FALSE(outcome.has_value());
    EXPECT_EQ(outcome.error().kind, ErrorKind::store_unavailable);
  }
  EXPECT_EQ(engine.get(session(0)), session(0));
  EXPECT_EQ(engine.commit(deletion(session(2))), CommitOutcome::committed);
  EXPECT_TRUE(engine->healthy());
  EXPECT_EQ(engine->statistics().damaged_reads, 1u);
  EXPECT_EQ(engine.log.count("store.record_damaged"), 4u);
  EXPECT_TRUE(contains(engine.log.all(), session(1).id.masked()));
  EXPECT_FALSE(contains(engine.log.all(), session(1).id.text()));

  const auto report = check(*engine);
  ASSERT_TRUE(report.has_value());
  EXPECT_FALSE(report->sound());
  EXPECT_TRUE(contains(report->problems.front(), "is damaged"));
}

TEST(LmdbDamage, ARecordUnderAnotherKeyIsNotShown) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_TRUE(engine.commit(creation(session(1))).has_value());
  engine.shut();
  tamper(directory.data(), [](MDB_txn* transaction, const Tables& tables) {
    const encoding::SessionKeyBytes from(tenant("t"), session(1).id);
    const encoding::SessionKeyBytes to(tenant("u"), session(1).id);
    const std::string record(**find(transaction, tables.sessions, from.view()));
    ASSERT_EQ(put(transaction, tables.sessions, to.view(), record), 0);
  });
  engine.open();
  EXPECT_FALSE(engine.get(plain_session(tenant("u"), 1)).has_value());
  EXPECT_EQ(engine.get(session(1)), session(1));
}

// Each way in which the tables can disagree is found.
TEST(LmdbCheck, FindsEveryDisagreement) {
  using Tampering = std::function<void(MDB_txn*, const Tables&)>;
  const std::string key(encoding::SessionKeyBytes(tenant("t"), session(1).id).view());
  const std::string agent = encoding::index_key(tenant("t"), domain::IdentityAttribute::agent_id,
                                                session(1).identity.agent_id, session(1).id);
  const std::string stray =
      encoding::index_key(tenant("t"), domain::IdentityAttribute::agent_id, "stray", session(1).id);
  const std::string due = expiry_key(session(1).expires_at, FiledKind::session, key);
  const std::string counts = encoding::tenant_prefix(tenant("t"));
  const std::string of_tenant = encoding::tenant_prefix(tenant("t"));
  const std::string event = event_key(of_tenant, event_number_of(ManualClock().now()));
  const std::string idempotent = encoding::idempotency_key(tenant("t"), "k");
  const Tampering tamperings[] = {
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(erase(t, in.sessions, key), 0); },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(put(t, in.sessions, "?", "?"), 0); },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(erase(t, in.index, agent), 0); },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(put(t, in.index, stray, {}), 0); },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(put(t, in.index, "?", {}), 0); },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(erase(t, in.expiry, due), 0); },
      [&](MDB_txn* t, const Tables& in) {
        ASSERT_EQ(put(t, in.expiry, expiry_key(Time(), FiledKind::session, key), {}), 0);
      },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(put(t, in.expiry, "?", {}), 0); },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(erase(t, in.counts, counts), 0); },
      [&](MDB_txn* t, const Tables& in) {
        ASSERT_EQ(put(t, in.counts, counts, encoded(domain::Counts{2, 1})), 0);
      },
      [&](MDB_txn* t, const Tables& in) {
        ASSERT_EQ(
            put(t, in.counts, encoding::tenant_prefix(tenant("u")), encoded(domain::Counts{})), 0);
      },
      [&](MDB_txn* t, const Tables& in) {
        ASSERT_EQ(put(t, in.index,
                      encoding::index_key(tenant("t"), domain::IdentityAttribute::visit_id,
                                          session(1).identity.visit_id, session(1).id),
                      {}),
                  0);
      },
      [&](MDB_txn* t, const Tables& in) {
        ASSERT_EQ(put(t, in.meta, index_state_name(domain::IdentityAttribute::visit_id),
                      std::string_view("\1", 1)),
                  0);
      },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(put(t, *in.logs, of_tenant, "?"), 0); },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(put_mark(t, in, "?", 7), 0); },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(put_mark(t, in, of_tenant, 0), 0); },
      [&](MDB_txn* t, const Tables& in) {
        ASSERT_EQ(put_mark(t, in, of_tenant, 7), 0);
        const std::string value(**find(t, *in.logs, of_tenant));
        ASSERT_EQ(put(t, *in.logs, encoding::tenant_prefix(tenant("u")), value), 0);
      },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(put(t, in.events, event, "?"), 0); },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(put(t, in.events, "?", "?"), 0); },
      [&](MDB_txn* t, const Tables& in) {
        const std::string value(**find(t, in.events, event));
        ASSERT_EQ(put(t, in.events, event_key(encoding::tenant_prefix(tenant("u")), 1), value), 0);
      },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(erase(t, in.idempotency, idempotent), 0); },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(put(t, in.idempotency, idempotent, "?"), 0); },
      [&](MDB_txn* t, const Tables& in) { ASSERT_EQ(put(t, in.idempotency, "?", "?"), 0); },
      [&](MDB_txn* t, const Tables& in) {
        ASSERT_EQ(erase(t, in.expiry, expiry_key(Time(), FiledKind::idempotency, idempotent)), 0);
      },
      [&](MDB_txn* t, const Tables& in) {
        ASSERT_EQ(put(t, in.expiry, expiry_key(Time(), FiledKind::idempotency, "\1tx"), {}), 0);
      },
      [&](MDB_txn* t, const Tables& in) {
        ASSERT_EQ(put(t, in.expiry,
                      expiry_key(Time(Duration(1)), FiledKind::idempotency, idempotent), {}),
                  0);
      },
  };
  for (size_t i = 0; i < std::size(tamperings); ++i) {
    const TestDirectory directory;
    {
      TestEngine engine(directory.data());
      domain::Change change = creation(session(1));
      change.idempotency = {tenant("t"), "k", std::nullopt,
                            store::testing::idempotency_entry(1, Time())};
      ASSERT_EQ(engine.commit(change), CommitOutcome::committed);
      expect_sound(*engine);
    }
    EXPECT_TRUE(check(directory.data())->sound());
    tamper(directory.data(), tamperings[i]);
    EXPECT_FALSE(check(directory.data())->sound()) << "tampering " << i;
  }
}

TEST(LmdbCheck, SaysWhenThereIsNoStore) {
  const TestDirectory directory;
  const auto report = check(directory.path());
  ASSERT_FALSE(report.has_value());
  EXPECT_TRUE(contains(report.error().detail, "there is no store in it"));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

}  // namespace
}  // namespace sojourn::lmdb
