// The embedded store when the disk fails or is full.
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <stdexcept>

#include "file_operations.h"
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

Session large_session(uint64_t number) {
  Session large = session(number);
  large.attributes.assign(8 * 1024, 'a');
  return large;
}

ErrorKind kind_of(const Result<CommitOutcome>& outcome) {
  return outcome ? ErrorKind::internal : outcome.error().kind;
}

// Makes the N-th call of one kind, and no other, come out as `verdict`.
class NthFault {
 public:
  NthFault(FileCall call, uint64_t n, FileVerdict verdict)
      : fault_([this, call, n, verdict](FileCall made) {
          if (made != call || ++calls_ != n) return FileVerdict::proceed();
          return verdict;
        }) {}

  bool fired(uint64_t n) const { return calls_.load() >= n; }

 private:
  std::atomic<uint64_t> calls_ = 0;
  const FileFault fault_;
};

// What was asked of a store and what it said, and whether it kept its word.
class Ledger {
 public:
  explicit Ledger(TestEngine& engine) : engine_(engine) {}

  void ask(const domain::Change& change) {
    const Session& subject = change.before ? *change.before : *change.after;
    const auto outcome = engine_.commit(change);
    auto& possible = possible_[subject.id];
    if (possible.empty()) possible.push_back({});
    State next{change.after, possible.back().events};
    if (change.event) next.events.push_back(*change.event);
    if (change.idempotency) keys_[change.idempotency->key].push_back(subject.id);
    if (!outcome) {
      ++failures_;
      possible.push_back(next);  // either way
    } else if (*outcome == CommitOutcome::committed) {
      possible = {next};
      if (change.idempotency) kept_[change.idempotency->key] = change.idempotency->after;
    }
  }

  // Every acknowledged change is there with its event and key, every other one is there whole or
  // not at all.
  void verify() {
    uint64_t place = 0;
    std::map<domain::SessionId, std::vector<domain::Event>> logged;
    for (auto& event :
         store::testing::read_events(engine_.store(), engine_.home, tenant("t"), place, 5)) {
      logged[event.session].push_back(event);
    }
    for (const auto& [id, possible] : possible_) {
      Session subject = session(0);
      subject.id = id;
      const auto found = engine_.get(subject);
      ASSERT_TRUE(found.has_value()) << found.error().detail;
      const bool known = std::ranges::any_of(possible, [&](const State& state) {
        return state.session == *found && state.events == logged[id];
      });
      EXPECT_TRUE(known) << id.masked();
    }
    for (const auto& [key, ids] : keys_) {
      const auto entry = store::testing::answer_from(
          engine_.home, engine_.store().idempotency_entry(tenant("t"), key));
      if (kept_.contains(key)) {
        EXPECT_EQ(entry, kept_[key]);
      }
      // A key is there exactly when the session is that was made with it.
      if (entry) {
        EXPECT_FALSE(logged[entry->session].empty());
      }
      for (const auto& id : ids) {
        if (!logged[id].empty()) {
          EXPECT_TRUE(entry && entry->session == id);
        }
      }
    }
    expect_sound(*engine_);
  }

  uint64_t failures() const { return failures_; }

 private:
  TestEngine& engine_;
  struct State {
    std::optional<Session> session;
    std::vector<domain::Event> events;
  };
  std::map<domain::SessionId, std::vector<State>> possible_;
  std::map<std::string, std::vector<domain::SessionId>> keys_;           // who was made with a key
  std::map<std::string, std::optional<domain::IdempotencyEntry>> kept_;  // acknowledged
  uint64_t failures_ = 0;
};

// Small and large sessions, growing, shrinking, going.
void small_workload(Ledger& ledger) {
  for (uint64_t i = 0; i < 4; ++i) {
    domain::Change with_key = creation(session(i));
    with_key.idempotency = {tenant("t"), "key-" + std::to_string(i), std::nullopt,
                            store::testing::idempotency_entry(i, session(i).expires_at)};
    ledger.ask(with_key);
    ledger.ask(creation(large_session(10 + i)));
  }
  Session changed = large_session(0);
  changed.identity.customer_id = "another";
  ledger.ask(update(session(0), changed));
  ledger.ask(update(large_session(10), session(10)));
  ledger.ask(deletion(session(1)));
  ledger.ask(deletion(large_session(11)));
}

// For good: a disk that is full may have room again.
bool is_stopped(TestEngine& engine) {
  const auto trouble = engine->trouble();
  return trouble && trouble->ends == store::Trouble::Ends::by_restart;
}

// Fails the first, second, third, ... call of a workload until none is left to fail.
void sweep(FileCall call, FileVerdict verdict, std::optional<Duration> sync_interval) {
  uint64_t n = 1;
  for (bool fired = true; fired; ++n) {
    ASSERT_LT(n, 1000u);
    const TestDirectory directory;
    TestEngine engine(LmdbOptions{
        .path = directory.data(), .map_size = 16 << 20, .sync_interval = sync_interval});
    Ledger ledger(engine);
    {
      const NthFault fault(call, n, verdict);
      small_workload(ledger);
      if (sync_interval) engine->close();
      fired = fault.fired(n);
    }
    EXPECT_TRUE(fired || ledger.failures() == 0);
    if (!is_stopped(engine)) {
      ledger.ask(creation(session(20)));
      ledger.verify();
    }
    engine.reopen();
    ledger.verify();
    ledger.ask(creation(session(21)));
    ledger.verify();
    EXPECT_EQ(engine.get(session(21)), session(21));
  }
  EXPECT_GT(n, 3u) << "the workload met no such call: is liblmdb still wrapped?";
}

TEST(LmdbFaults, SurvivesAnyFailedWrite) { sweep(FileCall::write, FileVerdict::fail(EIO), {}); }
TEST(LmdbFaults, SurvivesAnyShortWrite) { sweep(FileCall::write, FileVerdict::write_half(), {}); }
TEST(LmdbFaults, SurvivesAFullDiskAtAnyWrite) {
  sweep(FileCall::write, FileVerdict::fail(ENOSPC), {});
}
TEST(LmdbFaults, SurvivesAnyFailedSync) { sweep(FileCall::sync, FileVerdict::fail(EIO), {}); }
TEST(LmdbFaults, SurvivesAnyFailedWriteWithAnInterval) {
  sweep(FileCall::write, FileVerdict::fail(EIO), Duration(1));
}

TEST(LmdbFaults, AFailedWriteFailsItsBatchOnly) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_TRUE(engine.commit(creation(session(1))).has_value());
  {
    const NthFault fault(FileCall::write, 1, FileVerdict::fail(EIO));
    EXPECT_EQ(kind_of(engine.commit(creation(session(2)))), ErrorKind::store_unavailable);
    EXPECT_TRUE(engine->healthy());
    EXPECT_EQ(engine.get(session(1)), session(1));
    EXPECT_EQ(engine.get(session(2)), std::nullopt);
    EXPECT_EQ(engine.commit(creation(session(2))), CommitOutcome::committed);
  }
  EXPECT_EQ(engine->statistics().failed_batches, 1u);
  EXPECT_EQ(engine->statistics().failed, 1u);
  EXPECT_EQ(engine.log.count("store.write_failed"), 1u);
}

TEST(LmdbFaults, NoRoomIsSaidAsSuch) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  for (const auto& verdict : {FileVerdict::fail(ENOSPC), FileVerdict::fail(EDQUOT),
                              FileVerdict::fail(EFBIG), FileVerdict::write_half()}) {
    const NthFault fault(FileCall::write, 1, verdict);
    EXPECT_EQ(kind_of(engine.commit(creation(session(1)))), ErrorKind::store_full);
    EXPECT_FALSE(is_stopped(engine));
  }
  EXPECT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
}

void stops_acknowledging(FileCall call, uint64_t n, bool reads_go_on) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_TRUE(engine.commit(creation(session(1))).has_value());
  {
    const NthFault fault(call, n, FileVerdict::fail(EIO));
    EXPECT_EQ(kind_of(engine.commit(creation(session(2)))), ErrorKind::store_unavailable);
  }
  // The disk is well again; the store does not believe it.
  EXPECT_FALSE(engine->healthy());
  EXPECT_EQ(kind_of(engine.commit(creation(session(3)))), ErrorKind::store_unavailable);
  EXPECT_EQ(engine.log.count("store.sync_failed"), 1u);
  if (reads_go_on) {
    EXPECT_EQ(engine.get(session(1)), session(1));
    EXPECT_EQ(engine.get(session(2)), std::nullopt);
  } else {
    EXPECT_FALSE(engine.get(session(1)).has_value());
  }
  engine.reopen();
  EXPECT_TRUE(engine->healthy());
  EXPECT_EQ(engine.get(session(1)), session(1));
  EXPECT_EQ(engine.commit(creation(session(3))), CommitOutcome::committed);
}

TEST(LmdbFaults, StopsAcknowledgingAfterAFailedSync) {
  stops_acknowledging(FileCall::sync, 1, true);
}

// Counts the data writes of the commit that stops_acknowledging() fails: the next is the meta
// page's.
TEST(LmdbFaults, StopsAcknowledgingAfterAFailedWriteOfTheMetaPage) {
  uint64_t writes = 0;
  {
    const TestDirectory directory;
    TestEngine engine(directory.data());
    ASSERT_TRUE(engine.commit(creation(session(1))).has_value());
    const FileFault count([&](FileCall call) {
      writes += call == FileCall::write ? 1 : 0;
      return FileVerdict::proceed();
    });
    ASSERT_TRUE(engine.commit(creation(session(2))).has_value());
  }
  ASSERT_GE(writes, 2u);
  stops_acknowledging(FileCall::write, writes, false);
}

TEST(LmdbFaults, StopsAcknowledgingAfterAFailedSyncOfAnInterval) {
  const TestDirectory directory;
  TestEngine engine(
      LmdbOptions{.path = directory.data(), .map_size = 1 << 20, .sync_interval = Duration(1)});
  const NthFault fault(FileCall::sync, 1, FileVerdict::fail(EIO));
  ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (engine->healthy() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  EXPECT_FALSE(engine->healthy());
  EXPECT_EQ(engine.get(session(1)), session(1));
  EXPECT_EQ(kind_of(engine.commit(creation(session(2)))), ErrorKind::store_unavailable);
}

TEST(LmdbFaults, AnswersWhatWaitsWhenItStops) {
  const TestDirectory directory;
  TestEngine engine(LmdbOptions{.path = directory.data(), .map_size = 16 << 20, .max_batch = 4});
  const NthFault fault(FileCall::sync, 1, FileVerdict::fail(EIO));
  std::vector<domain::Change> changes;
  for (uint64_t i = 0; i < 50; ++i) changes.push_back(creation(session(i)));
  std::vector<Task<Result<CommitOutcome>>> tasks;
  for (const auto& change : changes) tasks.push_back(engine.store().commit(change));
  for (auto& task : tasks) {
    EXPECT_EQ(kind_of(engine.home.run(std::move(task))), ErrorKind::store_unavailable);
  }
}

// What is there may have been written by anyone, and not be on the disk: nobody reads it before it
// is.
TEST(LmdbFaults, AStartSyncsWhatIsThere) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
  uint64_t syncs = 0;
  for (bool fired = true; fired; ++syncs) {
    engine.shut();
    const NthFault fault(FileCall::sync, syncs + 1, FileVerdict::fail(EIO));
    try {
      engine.open();
    } catch (const std::runtime_error& refusal) {
      EXPECT_TRUE(contains(refusal.what(), directory.data().string())) << refusal.what();
      EXPECT_TRUE(contains(refusal.what(), "Input/output error")) << refusal.what();
      EXPECT_TRUE(fault.fired(syncs + 1));
      continue;
    }
    fired = fault.fired(syncs + 1);
    EXPECT_FALSE(fired) << "served what sync " << syncs + 1 << " did not confirm";
  }
  EXPECT_EQ(syncs - 1, 3u) << "data.mdb, its directory, and the name of that";
  EXPECT_EQ(engine.get(session(1)), session(1));
}

TEST(LmdbFaults, CallsOutsideACommitAreNotWatched) {
  const NthFault fault(FileCall::sync, 1, FileVerdict::fail(EIO));
  const TestDirectory directory;
  const int fd = open((directory.path() / "f").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(fdatasync(fd), 0);
  EXPECT_EQ(pwrite(fd, "x", 1, 0), 1);
  close(fd);
  EXPECT_FALSE(fault.fired(1));
}

}  // namespace
}  // namespace sojourn::lmdb
