// A directory of format 1, as older servers wrote it: read as it is by tools, upgraded by a server.
#include "upgrade.h"

#include "backup.h"
#include "encoding/bytes.h"
#include "encoding/event_record.h"
#include "event_logs.h"
#include "test_directory.h"

namespace sojourn::lmdb {
namespace {

using store::CommitOutcome;
using store::testing::creation;
using store::testing::deletion;
using store::testing::plain_session;
using store::testing::tenant;

std::string bytes_of(uint64_t number) {
  std::string bytes;
  encoding::append_number(bytes, number);
  return bytes;
}

// Makes format 1 of an engine's directory. Its events were numbered over all tenants: these are
// theirs.
void make_format_1(const std::filesystem::path& path,
                   const std::vector<std::pair<std::string, uint64_t>>& events, uint64_t next) {
  tamper(path, [&](MDB_txn* transaction, const Tables& tables) {
    ASSERT_EQ(mdb_drop(transaction, *tables.logs, 1), 0);
    ASSERT_EQ(mdb_drop(transaction, tables.events, 0), 0);
    for (const auto& [name, number] : events) {
      const auto change = creation(plain_session(tenant(name), number));
      const std::string body = encoding::encoded_event(*change.event);
      const std::string key = event_key(encoding::tenant_prefix(tenant(name)), number);
      std::string value(body.size() + encoding::kSealBytes, '\0');
      encoding::seal_event(key, body, value.data());
      ASSERT_EQ(put(transaction, tables.events, key, value), 0);
    }
    ASSERT_EQ(put(transaction, tables.meta, "format", std::string_view("\0\0\0\1", 4)), 0);
    ASSERT_EQ(put(transaction, tables.meta, kNextEvent, bytes_of(next)), 0);
  });
}

class LmdbUpgrade : public ::testing::Test {
 protected:
  // "whole" has all its events, "trimmed" lost its first, "emptied" all of them, and "new" had
  // none.
  void SetUp() override {
    {
      TestEngine engine(directory.data());
      for (const auto& [name, number] : kEvents) {
        ASSERT_EQ(engine.commit(creation(plain_session(tenant(name), number))),
                  CommitOutcome::committed);
      }
      ASSERT_EQ(engine.commit(creation(plain_session(tenant("emptied"), 1))),
                CommitOutcome::committed);
    }
    make_format_1(directory.data(), kEvents, kNext);
  }

  domain::EventPage page(TestEngine& engine, const std::string& name,
                         std::optional<uint64_t> after) {
    const store::EventQuery query{.tenant = tenant(name), .after = after};
    return store::testing::answer_from(engine.home, engine.store().events(query));
  }

  const std::vector<std::pair<std::string, uint64_t>> kEvents = {
      {"whole", 1}, {"whole", 3}, {"trimmed", 5}, {"trimmed", 9}};
  const uint64_t kNext = 12;
  TestDirectory directory;
};

TEST_F(LmdbUpgrade, KeepsEventsAndSaysWhatMayBeMissing) {
  for (int opening = 0; opening < 2; ++opening) {
    TestEngine engine(directory.data());
    EXPECT_EQ(engine.log.count("store.upgraded from=1 to=2"), opening == 0 ? 1u : 0u);
    EXPECT_EQ(page(engine, "whole", 0).events.size(), 2u);
    EXPECT_FALSE(page(engine, "whole", 0).gap);
    EXPECT_FALSE(page(engine, "whole", 1).gap);
    EXPECT_FALSE(page(engine, "whole", 3).gap);
    EXPECT_TRUE(page(engine, "whole", 2).gap) << "of another tenant";
    EXPECT_TRUE(page(engine, "trimmed", 0).gap);
    EXPECT_TRUE(page(engine, "trimmed", 2).gap);
    EXPECT_FALSE(page(engine, "trimmed", 5).gap);
    EXPECT_FALSE(page(engine, "trimmed", {}).gap);
    EXPECT_EQ(page(engine, "trimmed", {}).events.size(), 2u);
    EXPECT_TRUE(page(engine, "emptied", 0).gap);
    EXPECT_EQ(page(engine, "emptied", 0).next(), kNext - 1);
    EXPECT_FALSE(page(engine, "new", 0).gap);
    expect_sound(*engine);
  }
  TestEngine engine(directory.data());
  ASSERT_EQ(engine.commit(deletion(plain_session(tenant("whole"), 3))), CommitOutcome::committed);
  const auto after = page(engine, "whole", 3);
  EXPECT_FALSE(after.gap);
  ASSERT_EQ(after.events.size(), 1u);
  EXPECT_EQ(after.events[0].number, event_number_of(engine.clock.now()));
  expect_sound(*engine);
}

// It would look as if it were from 1970.
TEST_F(LmdbUpgrade, AMarkOfTheOlderFormatIsNotForgottenForItsAge) {
  TestEngine engine(directory.data());
  const auto trim = [&] {
    engine.clock.advance(std::chrono::hours(25));
    return store::testing::answer_from(engine.home, engine.store().trim_events(Time::max(), 100));
  };
  EXPECT_EQ(trim(), kEvents.size());
  EXPECT_EQ(trim(), 0u);
  for (const char* name : {"whole", "trimmed", "emptied"}) {
    EXPECT_TRUE(page(engine, name, 0).gap) << name;
  }
  EXPECT_FALSE(page(engine, "whole", 3).gap);
  ASSERT_EQ(engine.commit(deletion(plain_session(tenant("whole"), 3))), CommitOutcome::committed);
  EXPECT_EQ(trim(), 1u);
  engine.clock.advance(store::kMarkKept);
  EXPECT_EQ(trim(), 0u);
  EXPECT_FALSE(page(engine, "whole", 0).gap) << "a mark of this format is";
  EXPECT_TRUE(page(engine, "emptied", 0).gap);
}

TEST_F(LmdbUpgrade, ToolsReadTheOlderFormatAsItIs) {
  const auto report = check(directory.data());
  ASSERT_TRUE(report.has_value()) << report.error().detail;
  EXPECT_TRUE(report->sound()) << report->problems.front();
  EXPECT_EQ(report->entries("events"), kEvents.size());
  EXPECT_EQ(report->entries("logs"), 0u);

  const auto progress = [](uint64_t, uint64_t) {};
  ASSERT_TRUE(backup(directory.data(), directory.path() / "backup", progress).has_value());
  ASSERT_TRUE(restore(directory.path() / "backup", directory.path() / "restored", progress));
  TestEngine engine(directory.path() / "restored");
  EXPECT_EQ(engine.log.count("store.upgraded"), 1u);
  EXPECT_EQ(page(engine, "whole", 0).events.size(), 2u);
}

TEST_F(LmdbUpgrade, TheCheckKnowsTheOlderFormat) {
  make_format_1(directory.data(), kEvents, 9);
  EXPECT_FALSE(check(directory.data())->sound()) << "an event with a number that was not given";
}

}  // namespace
}  // namespace sojourn::lmdb
