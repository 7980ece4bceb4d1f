// An engine over pages and keys that changed behind its back: "not there" is never said of what may
// be there, and a change that meets damage fails alone.
#include <fcntl.h>

#include <algorithm>

#include "engine.h"
#include "environment.h"
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

constexpr uint64_t kMany = 300;  // on some dozens of leaves

// Numbers 0, 10, 20, ...: there is room between them.
Session session(uint64_t number) { return plain_session(tenant("t"), number); }

void fill(TestEngine& engine) {
  for (uint64_t i = 0; i < kMany; ++i) {
    ASSERT_EQ(engine.commit(creation(session(i * 10))), CommitOutcome::committed);
  }
}

template <class T>
bool refused(const Result<T>& result) {
  return !result && result.error().kind == ErrorKind::store_unavailable;
}

std::string key_of(const Session& session) {
  return std::string(encoding::SessionKeyBytes(session.tenant, session.id).view());
}

// The page that shows an entry, and the one after it.
struct Place {
  PageNumber page = 0, next = 0;
};
Place place_of(LmdbEngine& engine, Table table, std::string_view key) {
  ReadTransaction now(*engine.impl().environment);
  EXPECT_EQ(now.renew(), 0);
  PageWalk at = now.view().walk(table);
  EXPECT_EQ(at.seek(key), 0);
  Place place{at.page(), at.page()};
  while (place.next == place.page && at.next() == 0) place.next = at.page();
  return place;
}

// Reads or writes pages of the file while the engine has it open.
class RawFile {
 public:
  explicit RawFile(const std::filesystem::path& directory)
      : fd_(open((directory / "data.mdb").c_str(), O_RDWR | O_CLOEXEC)) {}
  ~RawFile() { close(fd_); }

  std::string page(PageNumber number) const {
    std::string bytes(4096, '\0');
    EXPECT_EQ(pread(fd_, bytes.data(), bytes.size(), static_cast<off_t>(number * 4096)), 4096);
    return bytes;
  }
  void set_page(PageNumber number, const std::string& bytes) {
    EXPECT_EQ(pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(number * 4096)), 4096);
  }

 private:
  const int fd_;
};

Result<store::SessionPage> list(TestEngine& engine) {
  return engine.home.run(
      engine.store().find({.tenant = tenant("t"), .where = {}, .below = {}, .limit = 2 * kMany}));
}

TEST(LmdbDamage, SwappedPagesHideNoSession) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  fill(engine);
  const auto [one, other] = place_of(*engine, Table::sessions, key_of(session(1000)));
  ASSERT_NE(one, other);
  RawFile file(directory.data());
  const std::string first = file.page(one), second = file.page(other);
  file.set_page(one, second);
  file.set_page(other, first);
  size_t unreadable = 0;
  for (uint64_t i = 0; i < kMany; ++i) {
    const auto found = engine.get(session(i * 10));
    if (found) {
      EXPECT_EQ(*found, session(i * 10));
    } else {
      EXPECT_TRUE(refused(found));
      ++unreadable;
    }
  }
  EXPECT_GT(unreadable, 1u);
  EXPECT_LT(unreadable, kMany / 2);
  EXPECT_TRUE(refused(list(engine)));
  EXPECT_EQ(engine->statistics().damaged_reads, unreadable + 1);
  EXPECT_EQ(engine.log.count("store.page_damaged table=sessions"), unreadable + 1);
  const auto report = check(*engine);
  EXPECT_FALSE(report->sound());
  EXPECT_TRUE(contains(report->problems.front(), "sessions: page ")) << report->problems.front();
  file.set_page(one, first);
  file.set_page(other, second);
  EXPECT_EQ(list(engine)->sessions.size(), kMany);
  expect_sound(*engine);
}

// A key that was damaged in a way that keeps the order is a neighbour of where it was.
TEST(LmdbDamage, AnEntryUnderANeighbouringKeyIsNotAbsent) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  fill(engine);
  domain::Change with_key = creation(session(kMany * 10));
  with_key.idempotency = {tenant("t"), "key-5", std::nullopt,
                          store::testing::idempotency_entry(kMany * 10, Time())};
  ASSERT_EQ(engine.commit(with_key), CommitOutcome::committed);
  engine.shut();
  const auto move = [](MDB_txn* transaction, MDB_dbi table, const std::string& from,
                       const std::string& to) {
    const std::string value(**find(transaction, table, from));
    ASSERT_EQ(erase(transaction, table, from), 0);
    ASSERT_EQ(put(transaction, table, to, value), 0);
  };
  const auto index_key = [](uint64_t number, const std::string& value) {
    return encoding::index_key(tenant("t"), domain::IdentityAttribute::agent_id, value,
                               session(number).id);
  };
  const uint64_t first = event_number_of(engine.clock.now());  // of the events
  tamper(directory.data(), [&](MDB_txn* transaction, const Tables& in) {
    move(transaction, in.sessions, key_of(session(1000)), key_of(session(1001)));  // one later
    move(transaction, in.sessions, key_of(session(2000)), key_of(session(1999)));  // one earlier
    move(transaction, in.idempotency, encoding::idempotency_key(tenant("t"), "key-5"),
         encoding::idempotency_key(tenant("t"), "key-4"));
    const std::string prefix = encoding::tenant_prefix(tenant("t"));
    move(transaction, in.events, event_key(prefix, first + kMany),
         event_key(prefix, first + kMany + 99));
    const std::string agent = session(500).identity.agent_id;
    move(transaction, in.index, index_key(500, agent),
         index_key(500, session(501).identity.agent_id));
  });
  engine.open();
  EXPECT_TRUE(refused(engine.get(session(1000))));
  EXPECT_TRUE(refused(engine.get(session(2000))));
  EXPECT_EQ(engine.get(session(1011)), std::nullopt);  // its neighbours are sound
  EXPECT_TRUE(refused(engine.home.run(engine.store().idempotency_entry(tenant("t"), "key-5"))));
  const auto events_after = [&](uint64_t number) {
    return engine.home.run(
        engine.store().events({.tenant = tenant("t"), .after = number, .limit = 10}));
  };
  EXPECT_TRUE(events_after(first + kMany - 21).has_value());
  EXPECT_TRUE(refused(events_after(first + kMany - 1)));
  const auto of_agent = engine.home.run(
      engine.store().find({.tenant = tenant("t"),
                           .where = domain::AttributeValue{domain::IdentityAttribute::agent_id,
                                                           session(500).identity.agent_id},
                           .below = {},
                           .limit = 10}));
  EXPECT_TRUE(refused(of_agent));
}

// Else the log would seem to be whole from its beginning.
TEST(LmdbDamage, AMarkUnderAnotherTenantIsNotOneThatIsAbsent) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  for (const char* name : {"a", "c", "e", "g"}) {
    ASSERT_EQ(engine.commit(creation(plain_session(tenant(name), 1))), CommitOutcome::committed);
  }
  ASSERT_EQ(engine.home.run(engine.store().trim_events(Time::max(), 100)), 4u);
  const auto has_gap = [&](const std::string& name) -> Result<bool> {
    const auto page = engine.home.run(engine.store().events({.tenant = tenant(name), .after = 0}));
    if (!page) return std::unexpected(page.error());
    return page->gap;
  };
  EXPECT_EQ(has_gap("c"), true);
  engine.shut();
  tamper(directory.data(), [](MDB_txn* transaction, const Tables& in) {
    const std::string c = encoding::tenant_prefix(tenant("c"));
    const std::string value(**find(transaction, *in.logs, c));
    ASSERT_EQ(erase(transaction, *in.logs, c), 0);
    ASSERT_EQ(put(transaction, *in.logs, encoding::tenant_prefix(tenant("d")), value), 0);
  });
  engine.open();
  EXPECT_TRUE(refused(has_gap("c")));
  EXPECT_TRUE(refused(has_gap("d")));
  EXPECT_EQ(has_gap("a"), true);
  EXPECT_EQ(has_gap("f"), false);
  EXPECT_EQ(check(*engine)->problems, std::vector<std::string>{"logs: a mark is damaged"});
}

TEST(LmdbDamage, AChangeThatMeetsADamagedPageFailsAlone) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  fill(engine);
  const Place place = place_of(*engine, Table::sessions, key_of(session(1000)));
  RawFile file(directory.data());
  const std::string right = file.page(place.page);
  std::string wrong = right;
  wrong[10] = 0x4;  // not a leaf
  file.set_page(place.page, wrong);
  std::vector<domain::Change> changes;
  for (uint64_t i = 0; i < kMany; i += 5)
    changes.push_back(update(session(i * 10), session(i * 10)));
  for (auto& change : changes) change.after->identity.customer_id = "changed";
  std::vector<Task<Result<CommitOutcome>>> tasks;
  for (const auto& change : changes) tasks.push_back(engine.store().commit(change));
  size_t failed = 0;
  for (auto& task : tasks) {
    const auto outcome = engine.home.run(std::move(task));
    if (outcome) {
      EXPECT_EQ(*outcome, CommitOutcome::committed);
    } else {
      EXPECT_TRUE(refused(outcome));
      ++failed;
    }
  }
  EXPECT_GE(failed, 1u);
  EXPECT_LE(failed, 5u);  // those on that page
  EXPECT_EQ(engine.log.count("store.page_damaged"), 1u);
  EXPECT_TRUE(engine->healthy());
  EXPECT_EQ(engine->statistics().failed, failed);
  EXPECT_EQ(engine->statistics().committed, kMany + changes.size() - failed);
  file.set_page(place.page, right);
  EXPECT_EQ(engine.commit(deletion(session(1000))), CommitOutcome::committed);
  expect_sound(*engine);
}

std::string_view trouble_of(TestEngine& engine) {
  const auto trouble = engine->trouble();
  return trouble ? trouble->status : "";
}

void wait_for_trouble(TestEngine& engine, std::string_view trouble) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (trouble_of(engine) != trouble && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(trouble_of(engine), trouble);
}

TEST(LmdbDamage, SaysWhenNoWriteSucceedsUntilOneDoes) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  fill(engine);
  PageNumber root = 0;
  {
    ReadTransaction now(*engine->impl().environment);
    ASSERT_EQ(now.renew(), 0);
    root = now.view().head().free.root;
  }
  RawFile file(directory.data());
  const std::string right = file.page(root);
  file.set_page(root, std::string(4096, '\0'));
  EXPECT_TRUE(refused(engine.commit(creation(session(1)))));
  wait_for_trouble(engine, "store_failing");
  EXPECT_EQ(engine->trouble()->ends, store::Trouble::Ends::by_itself);  // a restart does not help
  EXPECT_EQ(engine.get(session(0)), session(0));
  EXPECT_EQ(engine->statistics().space->used, engine->statistics().space->allocated);
  file.set_page(root, right);
  wait_for_trouble(engine, "");
  EXPECT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
  EXPECT_EQ(engine.log.count("store.not_writable"), 1u);
  EXPECT_EQ(engine.log.count("store.writable"), 1u);
  expect_sound(*engine);
}

TEST(LmdbDamage, NothingIsAcknowledgedInAFileThatIsElsewhere) {
  const TestDirectory directory;
  TestEngine engine(directory.data());
  ASSERT_EQ(engine.commit(creation(session(1))), CommitOutcome::committed);
  const auto file = directory.data() / "data.mdb", elsewhere = directory.path() / "elsewhere";
  std::filesystem::rename(file, elsewhere);
  EXPECT_TRUE(refused(engine.commit(creation(session(2)))));
  EXPECT_EQ(trouble_of(engine), "store_gone");
  EXPECT_EQ(engine.log.count("store.gone"), 1u);
  EXPECT_EQ(engine.get(session(1)), session(1));
  std::filesystem::copy_file(elsewhere, file);
  EXPECT_TRUE(refused(engine.commit(creation(session(3)))));
  std::filesystem::rename(elsewhere, file);
  wait_for_trouble(engine, "");
  EXPECT_EQ(engine.commit(creation(session(3))), CommitOutcome::committed);
  // It was not seen that the file is gone before it was written.
  EXPECT_EQ(engine.get(session(2)), session(2));
}

}  // namespace
}  // namespace sojourn::lmdb
