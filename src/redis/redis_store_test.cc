// What is peculiar to the cluster store: the opening, servers that are full, and what a process
// leaves behind that dies between any two steps.
#include "redis/redis_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>

#include "base/eventually.h"
#include "encoding/keys.h"
#include "encoding/sealed.h"
#include "keys.h"
#include "redis/scripts.h"
#include "session_record.h"
#include "testing/conformance.h"
#include "testing/faulty_client.h"
#include "testing/on_loop.h"
#include "testing/redis_servers.h"
#include "testing/sessions.h"

namespace sojourn::redis {
namespace {

using domain::IdentityAttribute;
using domain::Session;
using store::CommitOutcome;
using store::testing::answer_from;
using store::testing::creation;
using store::testing::deletion;
using store::testing::plain_session;
using store::testing::tenant;
using store::testing::TestExecutor;
using store::testing::update;
using store::testing::walk;
using ::testing::HasSubstr;

const domain::TenantId kTenant = tenant("t");
const Time kLongAgo = Time(Duration(1'000));
const Time kFarOff = Time(std::chrono::hours(24 * 365 * 200));

// One process: an engine, a store object, a loop.
struct Process {
  explicit Process(ClientFactory make_client, RedisStoreOptions options = {})
      : engine(RedisEngine::open(options, std::move(make_client), entropy, log).value()),
        store(*engine, home) {}

  template <class T>
  Result<T> ask(Task<Result<T>> task) {
    return home.run(std::move(task));
  }

  testing::SystemRandom entropy;
  NoLog log;
  TestExecutor home;
  std::unique_ptr<RedisEngine> engine;
  testing::StoreOnLoop store;
};

std::vector<domain::Event> events_of(Process& process) {
  return store::testing::kept_events(process.store, process.home, kTenant);
}

domain::EventPage events_after(Process& process, std::optional<uint64_t> place) {
  const store::EventQuery query{.tenant = kTenant, .after = place};
  return process.ask(process.store.events(query)).value();
}

domain::Change unlogged(domain::Change change) {
  change.logging = domain::Change::Logging::off;
  return change;
}

class RedisStoreTest : public ::testing::Test {
 protected:
  RedisStoreTest() { servers.forget_all(); }

  ClientFactory faulty(std::shared_ptr<testing::Fault> fault) {
    return [inner = servers.client_factory(), fault](net::Loop& loop) {
      return std::make_unique<testing::FaultyClient>(inner(loop), fault);
    };
  }

  Error opening_error() {
    testing::SystemRandom entropy;
    NoLog log;
    auto opened = RedisEngine::open({}, servers.client_factory(), entropy, log);
    return opened ? Error{} : opened.error();
  }

  // All keys that do not go by themselves.
  std::vector<std::string> lasting_keys() {
    std::vector<std::string> lasting;
    for (const Reply& key : servers.ask({"KEYS", "*"}).elements) {
      if (servers.ask({"PTTL", key.text}).integer == -1) lasting.push_back(key.text);
    }
    return lasting;
  }

  // As if the time had passed after which others look at what was begun.
  void let_time_pass() {
    for (const Reply& key : servers.ask({"KEYS", "*:work"}).elements) {
      for (const Reply& member : servers.ask({"ZRANGE", key.text, "0", "-1"}).elements) {
        servers.ask({"ZADD", key.text, "1000", member.text});
      }
    }
    const auto earlier = [](const std::string& number) {
      return std::to_string(std::stoll(number) - 5'000'000);
    };
    for (const Reply& key : servers.ask({"KEYS", "*:head:*"}).elements) {
      const auto seen = servers.ask({"HGETALL", key.text}).elements;
      for (size_t i = 0; i < seen.size(); i += 2) {
        if (seen[i].text == "last") continue;
        servers.ask({"HSET", key.text, seen[i].text, earlier(seen[i + 1].text)});
      }
    }
    for (const Reply& key : servers.ask({"KEYS", "*:out"}).elements) {
      const auto entries = servers.ask({"LRANGE", key.text, "0", "-1"}).elements;
      for (size_t i = 0; i < entries.size(); ++i) {
        const std::string& entry = entries[i].text;
        servers.ask(
            {"LSET", key.text, std::to_string(i), earlier(entry.substr(0, 16)) + entry.substr(16)});
      }
    }
  }

  testing::RedisServers& servers = testing::single_redis();
};

TEST_F(RedisStoreTest, RefusesServersThatEvictSessions) {
  servers.ask_all({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
  const Error error = opening_error();
  servers.ask_all({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  EXPECT_THAT(error.detail, HasSubstr("noeviction"));
  EXPECT_EQ(opening_error().detail, "");
}

TEST_F(RedisStoreTest, RefusesANewerFormat) {
  EXPECT_EQ(opening_error().detail, "");
  EXPECT_EQ(servers.ask({"GET", "{sojourn}:format"}).text, "1");
  servers.ask({"SET", "{sojourn}:format", "2"});
  EXPECT_THAT(opening_error().detail, HasSubstr("format"));
}

TEST_F(RedisStoreTest, ASessionOfANewerVersionIsNeverGuessedAt) {
  Process process(servers.client_factory());
  const Session session = plain_session(kTenant, 1);
  ASSERT_EQ(process.ask(process.store.commit(creation(session))), CommitOutcome::committed);
  const encoding::SessionKeyBytes name(kTenant, session.id);
  std::string record = record_of(name.view(), session);
  encoding::seal(name.view(), 2, record.data(), record.size() - encoding::kSealBytes);
  servers.ask({"SET", key_in(shard_of(name.view()), "session", name.view()), record});
  const auto read = process.ask(process.store.get(kTenant, session.id));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, ErrorKind::store_unavailable);
  EXPECT_THAT(read.error().detail, HasSubstr("newer"));
  // No change of it is decided on what is not understood.
  EXPECT_EQ(process.ask(process.store.commit(deletion(session))), CommitOutcome::conflict);
}

TEST_F(RedisStoreTest, FullServersRefuseGrowthAndLetSessionsBeReadAndEnded) {
  Process process(servers.client_factory());
  const Session session = plain_session(kTenant, 1);
  ASSERT_EQ(process.ask(process.store.commit(creation(session))), CommitOutcome::committed);
  servers.ask_all({"CONFIG", "SET", "maxmemory", "1000"});
  const auto created = process.ask(process.store.commit(creation(plain_session(kTenant, 2))));
  domain::Change keyed = creation(plain_session(kTenant, 3));
  keyed.idempotency = {kTenant, "k", {}, store::testing::idempotency_entry(3, kFarOff)};
  const auto created_with_key = process.ask(process.store.commit(keyed));
  const auto read = process.ask(process.store.get(kTenant, session.id));
  const auto ended = process.ask(process.store.commit(deletion(session)));
  const bool healthy = process.engine->healthy();
  servers.ask_all({"CONFIG", "SET", "maxmemory", "0"});

  ASSERT_FALSE(created.has_value());
  EXPECT_EQ(created.error().kind, ErrorKind::store_full);
  ASSERT_FALSE(created_with_key.has_value());
  EXPECT_EQ(created_with_key.error().kind, ErrorKind::store_full);
  EXPECT_EQ(read, session);
  EXPECT_EQ(ended, CommitOutcome::committed);
  EXPECT_TRUE(healthy);
  EXPECT_EQ(process.ask(process.store.count(kTenant)), domain::Counts{});
  EXPECT_EQ(process.ask(process.store.idempotency_entry(kTenant, "k")), std::nullopt);
  EXPECT_EQ(events_of(process).size(), 2U);
}

TEST_F(RedisStoreTest, WhatIsRefusedForWantOfRoomInItsLastStepIsNotMadeLater) {
  Process full([&](net::Loop& loop) {
    return std::make_unique<testing::FullClient>(servers.client_factory()(loop),
                                                 Scripts().commit_marked.sha);
  });
  domain::Change change = creation(plain_session(kTenant, 1));
  change.idempotency = {kTenant, "k", {}, store::testing::idempotency_entry(1, kFarOff)};
  const auto created = full.ask(full.store.commit(change));
  ASSERT_FALSE(created.has_value());
  EXPECT_EQ(created.error().kind, ErrorKind::store_full);
  // Neither by itself, nor by the process that meets it.
  EXPECT_TRUE(servers.ask({"KEYS", "*:intent:*"}).elements.empty());
  EXPECT_TRUE(servers.ask({"KEYS", "*:marker:*"}).elements.empty());
  Process other(servers.client_factory());
  EXPECT_EQ(other.ask(other.store.idempotency_entry(kTenant, "k")), std::nullopt);
  EXPECT_EQ(other.ask(other.store.count(kTenant)), domain::Counts{});
}

TEST_F(RedisStoreTest, AWriteThatTooFewReplicasHaveIsNotAcknowledged) {
  Process process(servers.client_factory(), {.servers = {.wait_replicas = 1}});
  const auto created = process.ask(process.store.commit(creation(plain_session(kTenant, 1))));
  ASSERT_FALSE(created.has_value());
  EXPECT_EQ(created.error().kind, ErrorKind::store_unavailable);
}

TEST_F(RedisStoreTest, UnreachableServersAreUnavailableNeverEmpty) {
  const auto fault = std::make_shared<testing::Fault>(testing::Fault{.after = SIZE_MAX});
  Process process(faulty(fault));
  const Session session = plain_session(kTenant, 1);
  ASSERT_EQ(process.ask(process.store.commit(creation(session))), CommitOutcome::committed);
  EXPECT_TRUE(process.engine->healthy());
  fault->after = 0;
  fault->seen = 1;
  const auto unavailable = [](const auto& answer) {
    return !answer && answer.error().kind == ErrorKind::store_unavailable;
  };
  EXPECT_TRUE(unavailable(process.ask(process.store.get(kTenant, session.id))));
  EXPECT_TRUE(unavailable(process.ask(process.store.find({.tenant = kTenant}))));
  EXPECT_TRUE(unavailable(process.ask(process.store.count(kTenant))));
  EXPECT_TRUE(unavailable(process.ask(process.store.due(kFarOff, 10))));
  EXPECT_TRUE(unavailable(process.ask(process.store.idempotency_entry(kTenant, "k"))));
  EXPECT_TRUE(unavailable(process.ask(process.store.events({.tenant = kTenant, .after = {}}))));
  EXPECT_TRUE(unavailable(process.ask(process.store.trim_events(kFarOff, 10))));
  // What the commit left to be done beside it may have succeeded meanwhile.
  for (int i = 0; i < 100 && process.engine->healthy(); ++i) {
    EXPECT_TRUE(unavailable(process.ask(process.store.get(kTenant, session.id))));
  }
  EXPECT_FALSE(process.engine->healthy());
  fault->after = SIZE_MAX;
  EXPECT_EQ(process.ask(process.store.get(kTenant, session.id)), session);
  EXPECT_TRUE(process.engine->healthy());
}

TEST_F(RedisStoreTest, ADamagedRecordIsUnavailableNeverAbsent) {
  Process process(servers.client_factory());
  const Session session = plain_session(kTenant, 1);
  ASSERT_EQ(process.ask(process.store.commit(creation(session))), CommitOutcome::committed);
  const std::string key = servers.ask({"KEYS", "*:session:*"}).elements.at(0).text;
  servers.ask({"SETRANGE", key, "20", "x"});
  const auto read = process.ask(process.store.get(kTenant, session.id));
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().kind, ErrorKind::store_unavailable);
  EXPECT_FALSE(process.ask(process.store.find({.tenant = kTenant})).has_value());
}

// A network may bring a copy of a command that may be sent again, late.
TEST_F(RedisStoreTest, ALateCopyOfACommitChangesNothing) {
  const auto passed = std::make_shared<std::vector<Command>>();
  Process process([&](net::Loop& loop) {
    return std::make_unique<testing::RecordingClient>(servers.client_factory()(loop), passed);
  });
  const Session session = plain_session(kTenant, 1);
  domain::Change change = creation(session);
  change.idempotency = {kTenant, "k", {}, store::testing::idempotency_entry(1, kFarOff)};
  passed->clear();
  ASSERT_EQ(process.ask(process.store.commit(change)), CommitOutcome::committed);
  ASSERT_EQ(process.ask(process.store.commit(deletion(session))), CommitOutcome::committed);
  domain::Change forget;
  forget.idempotency = {kTenant, "k", change.idempotency->after, {}};
  ASSERT_EQ(process.ask(process.store.commit(forget)), CommitOutcome::committed);

  const auto network = servers.blocking_client();
  size_t copies = 0;
  for (const Command& command : std::vector<Command>(*passed)) {
    if (!command.repeatable) continue;
    ++copies;
    EXPECT_TRUE(network->send(command).take().has_value());
  }
  EXPECT_GT(copies, 5U);
  EXPECT_EQ(process.ask(process.store.get(kTenant, session.id)), std::nullopt);
  EXPECT_EQ(process.ask(process.store.idempotency_entry(kTenant, "k")), std::nullopt);
  EXPECT_EQ(events_of(process).size(), 2U);
}

// Makes a session and changes it some times.
Task<Result<void>> lead_a_life(store::SessionStore& store, Session session, uint32_t changes) {
  const auto made = co_await store.commit(creation(session));
  if (!made) co_return std::unexpected(made.error());
  for (uint32_t i = 0; i < changes; ++i) {
    Session changed = session;
    changed.version += 1;
    const auto outcome = co_await store.commit(update(session, changed));
    if (!outcome) co_return std::unexpected(outcome.error());
    session = changed;
  }
  co_return Result<void>();
}

// So many whose shards are a few of all.
std::vector<Session> crowded_sessions(size_t count) {
  std::vector<Session> sessions;
  for (uint64_t number = 1; sessions.size() < count; ++number) {
    Session session = plain_session(kTenant, number);
    const encoding::SessionKeyBytes name(session.tenant, session.id);
    if (shard_of(name.view()) % 64 == 0) sessions.push_back(std::move(session));
  }
  return sessions;
}

// Many at once in two processes, so that events of one shard meet in all ways.
TEST_F(RedisStoreTest, EachEventIsInTheLogOnceAndInOrderAlsoWhenPublishingFails) {
  constexpr size_t kSessions = 300;  // in each
  constexpr uint32_t kChanges = 4;
  const std::vector<Session> sessions = crowded_sessions(2 * kSessions);
  const auto live = [&](size_t first) {
    Process process([&](net::Loop& loop) {
      return std::make_unique<testing::ForgetfulClient>(servers.client_factory()(loop),
                                                        Scripts().publish.sha);
    });
    std::vector<Task<Result<void>>> lives;
    for (size_t i = first; i < first + kSessions; ++i) {
      lives.push_back(lead_a_life(process.store, sessions[i], kChanges));
    }
    for (const auto& outcome : process.home.run(when_all(std::move(lives)))) {
      EXPECT_TRUE(outcome.has_value());
    }
  };
  std::thread other(live, kSessions);
  live(0);
  other.join();

  // Who starts publishes what was left.
  Process process(servers.client_factory());
  std::map<domain::SessionId, uint64_t> versions;
  for (const domain::Event& event : events_of(process)) {
    EXPECT_EQ(event.version, ++versions[event.session]);
  }
  EXPECT_EQ(versions.size(), 2 * kSessions);
  for (const auto& [id, version] : versions) EXPECT_EQ(version, 1 + kChanges);
  EXPECT_TRUE(servers.ask({"KEYS", "*:out"}).elements.empty());
}

// As after a failover to a server whose clock is behind.
TEST_F(RedisStoreTest, NumbersOfAShardRiseThoughTheClockWentBack) {
  Process process(servers.client_factory());
  Session session = plain_session(kTenant, 1);
  ASSERT_EQ(process.ask(process.store.commit(creation(session))), CommitOutcome::committed);
  const size_t shard = shard_of(encoding::SessionKeyBytes(kTenant, session.id).view());
  const std::string tenant = encoding::tenant_prefix(kTenant);
  const auto time = servers.ask({"TIME"}).elements;
  const std::string ahead = std::to_string(std::stoll(time[0].text) + 3'600) + "000000";
  servers.ask({"SET", key_in(shard, "number"), ahead});
  servers.ask({"HSET", key_in(shard_of(tenant), "head", tenant), std::to_string(shard), ahead});
  for (int i = 0; i < 3; ++i) {
    const Session before = session;
    session.version += 1;
    ASSERT_EQ(process.ask(process.store.commit(update(before, session))), CommitOutcome::committed);
  }
  EXPECT_EQ(events_of(process).size(), 4U);
}

TEST_F(RedisStoreTest, AnEventIsNotPublishedAgainAfterItWasTrimmed) {
  Process process(servers.client_factory());
  ASSERT_EQ(process.ask(process.store.commit(creation(plain_session(kTenant, 1)))),
            CommitOutcome::committed);
  const std::string tenant = encoding::tenant_prefix(kTenant);
  const size_t home = shard_of(tenant);
  const auto event = servers.ask({"XRANGE", key_in(home, "log", tenant), "-", "+"}).elements.at(0);
  const std::string value = event.elements.at(1).elements.at(1).text;
  const auto head = servers.ask({"HGETALL", key_in(home, "head", tenant)}).elements;
  ASSERT_EQ(process.ask(process.store.trim_events(kFarOff, 100)), 1U);
  // What a process leaves that dies before it has taken the event out of `out`.
  for (size_t i = 0; i < head.size(); i += 2) {
    if (head[i].text == "last") continue;
    const auto shard = static_cast<size_t>(std::stoul(head[i].text));
    servers.ask({"RPUSH", key_in(shard, "out"), head[i + 1].text + tenant + value});
  }
  let_time_pass();
  Process starting(servers.client_factory());
  EXPECT_TRUE(servers.ask({"KEYS", "*:out"}).elements.empty());
  EXPECT_TRUE(events_of(starting).empty());
}

TEST_F(RedisStoreTest, TheMarkOutlivesTheLogAndNotForEver) {
  Process process(servers.client_factory());
  const Session session = plain_session(kTenant, 1);
  const auto lifetime = [&] {
    const std::string tenant = encoding::tenant_prefix(kTenant);
    return servers.ask({"PTTL", key_in(shard_of(tenant), "mark", tenant)}).integer;
  };
  constexpr int64_t kNoKey = -2, kForEver = -1;
  const int64_t long_time = store::kMarkKept.count() - 60'000;
  ASSERT_EQ(process.ask(process.store.commit(creation(session))), CommitOutcome::committed);
  EXPECT_EQ(lifetime(), kNoKey);
  ASSERT_EQ(process.ask(process.store.trim_events(kFarOff, 100)), 1U);
  EXPECT_GT(lifetime(), long_time);
  EXPECT_LE(lifetime(), store::kMarkKept.count());
  ASSERT_EQ(process.ask(process.store.commit(deletion(session))), CommitOutcome::committed);
  EXPECT_EQ(lifetime(), kForEver) << "as long as the log has events";
  ASSERT_EQ(process.ask(process.store.commit(unlogged(creation(session)))),
            CommitOutcome::committed);
  EXPECT_GT(lifetime(), long_time);
  ASSERT_EQ(process.ask(process.store.commit(deletion(session))), CommitOutcome::committed);
  EXPECT_EQ(lifetime(), kForEver);
}

TEST_F(RedisStoreTest, ADamagedEventKeepsNothingFromBeingTrimmed) {
  Process process(servers.client_factory());
  const std::string tenant = encoding::tenant_prefix(kTenant);
  const std::string log = key_in(shard_of(tenant), "log", tenant);
  ASSERT_EQ(process.ask(process.store.commit(creation(plain_session(kTenant, 1)))),
            CommitOutcome::committed);
  const uint64_t last = events_after(process, 0).next();
  servers.ask({"XADD", log, std::to_string(last + 1) + "-0", "e", "short"});
  servers.ask({"XADD", log, std::to_string(last + 2) + "-0", "e", ""});
  EXPECT_EQ(process.ask(process.store.trim_events(kFarOff, 100)), 3U);
  EXPECT_EQ(servers.ask({"EXISTS", log}).integer, 0);
  EXPECT_FALSE(events_after(process, last + 2).gap);
}

// The newest sessions are in one of many shards, which is asked for a few at first, and both of its
// lists go on behind those: the named ones are known down to a younger id than the anonymous ones.
TEST_F(RedisStoreTest, AWalkFindsAllThoughTheListsOfAShardAreOfDifferentAges) {
  constexpr size_t kOthers = 8, kAnonymous = 30, kNamed = 40;
  constexpr size_t kShard = 7;
  Process process(servers.client_factory());
  std::vector<Session> newest_first;
  for (uint64_t number = 1; newest_first.size() < kOthers + kAnonymous + kNamed; ++number) {
    Session session = plain_session(kTenant, number);
    const bool other = newest_first.size() < kOthers;
    const size_t shard = shard_of(encoding::SessionKeyBytes(kTenant, session.id).view());
    if (other ? shard == kShard : shard != kShard) continue;
    if (newest_first.size() < kOthers + kAnonymous) session.identity = {};
    ASSERT_EQ(process.ask(process.store.commit(creation(session))), CommitOutcome::committed);
    newest_first.insert(newest_first.begin(), session);
  }
  for (const size_t limit : {1U, 7U, 40U, 60U, 100U}) {
    EXPECT_EQ(walk(process.store, process.home, {.tenant = kTenant, .limit = limit}), newest_first);
  }
}

// Tenants with so many sessions that each has some in most shards.
class Presence : public RedisStoreTest {
 protected:
  static constexpr size_t kMany = 500;

  void create_sessions_of(const std::vector<std::string>& tenants) {
    for (uint64_t number = 1; number <= kMany; ++number) {
      for (const std::string& name : tenants) {
        ASSERT_EQ(process.ask(process.store.commit(creation(plain_session(tenant(name), number)))),
                  CommitOutcome::committed);
      }
    }
  }

  static void expect_all_of(const std::vector<std::string>& tenants, Process& process) {
    for (const std::string& name : tenants) {
      EXPECT_EQ(walk(process.store, process.home, {.tenant = tenant(name)}).size(), kMany) << name;
      const auto counts = process.ask(process.store.count(tenant(name))).value();
      EXPECT_EQ(counts.named + counts.anonymous, kMany) << name;
    }
  }

  Process process{servers.client_factory()};
};

TEST_F(Presence, TenantsOfShortNamesAreToldApart) {
  create_sessions_of({"1", "2", "10", "11"});
  expect_all_of({"1", "2", "10", "11"}, process);
}

// Versions before knew nothing of the key {sojourn}:presence, and left shards out.
TEST_F(Presence, WhatAnEarlierVersionLeftOutIsAddedByTheNextStart) {
  create_sessions_of({"10", "11"});
  for (const Reply& key : servers.ask({"KEYS", "*:shards:*"}).elements) {
    servers.ask({"SETRANGE", key.text, "32", std::string(64, '\0')});
  }
  EXPECT_LT(walk(process.store, process.home, {.tenant = tenant("10")}).size(), kMany);
  servers.ask({"DEL", "{sojourn}:presence"});

  Process later(servers.client_factory());
  expect_all_of({"10", "11"}, later);
  for (const Reply& key : servers.ask({"KEYS", "*:shards:*"}).elements) {
    EXPECT_GT(servers.ask({"PTTL", key.text}).integer, 0) << key.text;
  }
}

// A master is down that no replica takes over from, or a slot was left half open.
class FailingShard : public RedisStoreTest {
 protected:
  static constexpr size_t kFailing = 7;

  static size_t shard_of_session(const Session& session) {
    return shard_of(encoding::SessionKeyBytes(session.tenant, session.id).view());
  }

  // A session in the shard that fails, or in another.
  static Session session_in(bool failing) {
    for (uint64_t number = 1;; ++number) {
      Session session = plain_session(kTenant, number);
      if ((shard_of_session(session) == kFailing) == failing) return session;
    }
  }

  void commit(const Session& session) {
    ASSERT_EQ(process.ask(process.store.commit(creation(session))), CommitOutcome::committed);
  }

  // The ids that are due, after every shard was asked in turn.
  std::set<domain::SessionId> due_ids() {
    std::set<domain::SessionId> ids;
    for (int i = 0; i < 64; ++i) {
      const auto due = process.ask(process.store.due(kFarOff, 1'000));
      if (!due) {
        ADD_FAILURE() << due.error().detail;
        break;
      }
      for (const store::Due& one : *due) ids.insert(std::get<domain::SessionId>(one.what));
    }
    return ids;
  }

  uint64_t failing_shards() { return process.engine->statistics().servers->failing_shards; }

  std::shared_ptr<std::atomic<bool>> fails = std::make_shared<std::atomic<bool>>(false);
  Process process{[this](net::Loop& loop) {
    return std::make_unique<testing::FailingSlotClient>(servers.client_factory()(loop),
                                                        slot_of_shard(kFailing), fails);
  }};
};

TEST_F(FailingShard, DoesNotKeepTheOthersFromWhatIsDue) {
  const Session there = session_in(true), elsewhere = session_in(false);
  commit(there);
  commit(elsewhere);
  *fails = true;
  EXPECT_EQ(due_ids(), std::set{elsewhere.id});
  EXPECT_EQ(failing_shards(), 1U);
  *fails = false;
  EXPECT_TRUE(eventually([&] { return due_ids().contains(there.id); }));  // it rests before
  EXPECT_EQ(failing_shards(), 0U);
}

TEST_F(FailingShard, DoesNotKeepTheLogsOfOthersFromBeingTrimmed) {
  commit(session_in(false));
  ASSERT_NE(shard_of(encoding::tenant_prefix(kTenant)), kFailing);
  *fails = true;
  size_t trimmed = 0;
  for (int i = 0; i < 64; ++i) {
    const auto now = process.ask(process.store.trim_events(kFarOff, 100));
    ASSERT_TRUE(now) << now.error().detail;
    trimmed += *now;
  }
  EXPECT_EQ(trimmed, 1U);
}

TEST_F(FailingShard, AnEntryThatNobodyUnderstandsIsPassedOver) {
  const Session session = session_in(true);
  commit(session);
  servers.ask({"ZADD", key_in(kFailing, "due"), "1", "of a later version"});
  EXPECT_EQ(due_ids(), std::set{session.id});
  EXPECT_EQ(failing_shards(), 0U);
}

// Processes with another option sessions.index.
class ChangedIndex : public RedisStoreTest {
 protected:
  static RedisStoreOptions with(std::vector<IdentityAttribute> indexed) {
    return {.servers = {}, .indexed = std::move(indexed)};
  }

  std::unique_ptr<Process> start(std::vector<IdentityAttribute> indexed) {
    return std::make_unique<Process>(servers.client_factory(), with(std::move(indexed)));
  }

  static size_t found(Process& process, IdentityAttribute attribute, const std::string& value) {
    return walk(process.store, process.home,
                {.tenant = kTenant, .where = domain::AttributeValue{attribute, value}})
        .size();
  }

  size_t entries() {
    size_t count = 0;
    for (const Reply& key : servers.ask({"KEYS", "*:index:*"}).elements) {
      count += static_cast<size_t>(servers.ask({"ZCARD", key.text}).integer);
    }
    return count;
  }

  // So many sessions of one shard, all due at the same time: more than a page is read at once.
  static std::vector<Session> of_one_shard(size_t count) {
    std::vector<Session> sessions;
    for (uint64_t number = 1; sessions.size() < count; ++number) {
      Session session = plain_session(kTenant, number);
      if (shard_of(encoding::SessionKeyBytes(kTenant, session.id).view()) != 7) continue;
      session.identity = {.agent_id = "ann", .customer_id = "bob", .visit_id = "v"};
      sessions.push_back(std::move(session));
    }
    return sessions;
  }

  static constexpr size_t kMany = 120;
  static constexpr IdentityAttribute kAgent = IdentityAttribute::agent_id;
  static constexpr IdentityAttribute kCustomer = IdentityAttribute::customer_id;
  static constexpr IdentityAttribute kVisit = IdentityAttribute::visit_id;
};

TEST_F(ChangedIndex, FindsWhatWasThereBeforeAndForgetsWhatIsNotIndexed) {
  {
    const auto before = start({kCustomer, kAgent});
    for (const Session& session : of_one_shard(kMany)) {
      ASSERT_EQ(before->ask(before->store.commit(creation(session))), CommitOutcome::committed);
    }
  }
  EXPECT_EQ(servers.ask({"GET", "{sojourn}:indexed"}).text, "agentId,customerId");
  {
    const auto after = start({kVisit, kCustomer});
    EXPECT_EQ(servers.ask({"GET", "{sojourn}:indexed"}).text, "customerId,visitId");
    EXPECT_EQ(found(*after, kVisit, "v"), kMany);
    EXPECT_EQ(found(*after, kCustomer, "bob"), kMany);
    EXPECT_EQ(entries(), 2 * kMany);
  }
  const auto none = start({});
  EXPECT_EQ(entries(), 0U);
}

// Processes are restarted one after the other: the last one knows what the others changed that had
// the old option.
TEST_F(ChangedIndex, IsCompleteWhenTheLastProcessHasTheNewOption) {
  const auto sessions = of_one_shard(2);
  const auto old = start({kCustomer});
  ASSERT_EQ(old->ask(old->store.commit(creation(sessions[0]))), CommitOutcome::committed);
  const auto one = start({kCustomer, kVisit});
  EXPECT_EQ(found(*one, kVisit, "v"), 1U);
  ASSERT_EQ(old->ask(old->store.commit(creation(sessions[1]))), CommitOutcome::committed);
  const auto last = start({kCustomer, kVisit});
  EXPECT_EQ(found(*one, kVisit, "v"), 2U);
}

TEST_F(ChangedIndex, IsLookedAtWhenItChangedOnly) {
  const Session session = plain_session(kTenant, 1);
  {
    const auto process = start({kCustomer});
    ASSERT_EQ(process->ask(process->store.commit(creation(session))), CommitOutcome::committed);
  }
  const std::string key = servers.ask({"KEYS", "*:index:*"}).elements.at(0).text;
  servers.ask({"DEL", key});  // what a failover may lose
  EXPECT_EQ(found(*start({kCustomer}), kCustomer, session.identity.customer_id), 0U);
  servers.ask({"DEL", "{sojourn}:indexed"});
  EXPECT_EQ(found(*start({kCustomer}), kCustomer, session.identity.customer_id), 1U);
}

TEST_F(ChangedIndex, IsMadeByTheNextWhenAProcessDiesThatMakesIt) {
  const auto open = [&](const std::shared_ptr<testing::Fault>& fault) {
    testing::SystemRandom entropy;
    NoLog log;
    return RedisEngine::open(with({kVisit}), faulty(fault), entropy, log).has_value();
  };
  constexpr size_t kFew = 3;
  const auto prepare = [&] {
    servers.forget_all();
    {
      const auto before = start({kCustomer});
      for (const Session& session : of_one_shard(kFew)) {
        ASSERT_EQ(before->ask(before->store.commit(creation(session))), CommitOutcome::committed);
      }
    }
    // An event that is published and not yet taken out would cost the next start further steps.
    for (const Reply& key : servers.ask({"KEYS", "*:out"}).elements) servers.ask({"DEL", key.text});
  };
  prepare();
  const auto whole = std::make_shared<testing::Fault>(testing::Fault{.after = SIZE_MAX});
  ASSERT_TRUE(open(whole));
  // At the steps around the shard that has sessions, and at the last ones.
  std::vector<size_t> moments;
  for (size_t last = 1; last <= 3; ++last) moments.push_back(whole->seen - last);
  for (size_t i = 0; i < 28; ++i) moments.push_back(kShards + 4 + i);
  for (const size_t moment : moments) {
    SCOPED_TRACE(moment);
    prepare();
    const auto last =
        moment % 2 ? testing::Fault::Last::executed : testing::Fault::Last::not_executed;
    const testing::Fault fault{.after = moment, .last = last};
    EXPECT_FALSE(open(std::make_shared<testing::Fault>(fault)));
    {
      const auto next = start({kVisit});
      EXPECT_EQ(found(*next, kVisit, "v"), kFew);
      let_time_pass();
      EXPECT_TRUE(next->ask(next->store.due(kLongAgo, 100)).has_value());
    }
    EXPECT_EQ(entries(), kFew);
    EXPECT_TRUE(servers.ask({"KEYS", "*:work"}).elements.empty());
  }
}

TEST_F(ChangedIndex, IsNotGivenUpForADamagedSession) {
  {
    const auto before = start({kCustomer});
    for (const Session& session : of_one_shard(2)) {
      ASSERT_EQ(before->ask(before->store.commit(creation(session))), CommitOutcome::committed);
    }
  }
  const std::string key = servers.ask({"KEYS", "*:session:*"}).elements.at(0).text;
  servers.ask({"SETRANGE", key, "20", "x"});
  EXPECT_EQ(found(*start({kVisit}), kVisit, "v"), 1U);
}

// What a process that dies after any number of steps leaves to others.
class AfterACrash : public RedisStoreTest,
                    public ::testing::WithParamInterface<testing::Fault::Last> {
 protected:
  // Commits `change` in processes that die after 0, 1, 2, ... commands, on the same data each time,
  // and lets `look` see what another process finds. Ends with one that does not die.
  template <class Prepare, class Look>
  void die_everywhere(const domain::Change& change, Prepare prepare, Look look) {
    for (size_t commands = 0;; ++commands) {
      ASSERT_LT(commands, 100U);
      SCOPED_TRACE(commands);
      servers.forget_all();
      {
        Process before(servers.client_factory());
        prepare(before);
      }
      const auto fault =
          std::make_shared<testing::Fault>(testing::Fault{.after = SIZE_MAX, .last = GetParam()});
      Result<CommitOutcome> outcome = CommitOutcome::conflict;
      Process other(servers.client_factory());  // runs all the time
      {
        Process dying(faulty(fault));
        fault->after = commands;
        fault->seen = 0;
        outcome = dying.ask(dying.store.commit(change));
      }
      look(other, outcome.has_value());
      if (::testing::Test::HasFailure()) return;
      if (!fault->struck()) return;
    }
  }

  // The lists, the counts and the log tell of the same sessions as get() does; and when all of them
  // have ended, and the time has passed, nothing is left.
  void expect_sound(Process& process, const std::vector<Session>& candidates, size_t events) {
    let_time_pass();
    ASSERT_TRUE(process.ask(process.store.due(kLongAgo, 100)).has_value());
    std::vector<Session> stored;
    for (const Session& candidate : candidates) {
      const auto session = process.ask(process.store.get(kTenant, candidate.id)).value();
      if (session && std::ranges::find(stored, *session) == stored.end()) {
        stored.push_back(*session);
      }
    }
    EXPECT_EQ(walk(process.store, process.home, {.tenant = kTenant}).size(), stored.size());
    EXPECT_EQ(process.ask(process.store.count(kTenant))->named, stored.size());
    for (const Session& session : stored) {
      const store::Query query{
          .tenant = kTenant,
          .where = domain::AttributeValue{domain::IdentityAttribute::customer_id,
                                          session.identity.customer_id}};
      EXPECT_THAT(walk(process.store, process.home, query), ::testing::Contains(session));
    }
    EXPECT_EQ(process.ask(process.store.due(kFarOff, 100))->size() >= stored.size(), true);
    EXPECT_EQ(events_of(process).size(), events);

    for (const Session& session : stored) {
      EXPECT_EQ(process.ask(process.store.commit(deletion(session))), CommitOutcome::committed);
    }
    domain::Change forget;
    forget.idempotency = {
        kTenant, "k", process.ask(process.store.idempotency_entry(kTenant, "k")).value(), {}};
    EXPECT_EQ(process.ask(process.store.commit(forget)), CommitOutcome::committed);
    let_time_pass();
    EXPECT_TRUE(process.ask(process.store.due(kFarOff, 100))->empty());
    EXPECT_TRUE(process.ask(process.store.trim_events(kFarOff, 100)).has_value());
    EXPECT_THAT(lasting_keys(), ::testing::UnorderedElementsAre(
                                    "{sojourn}:format", "{sojourn}:indexed", "{sojourn}:presence"));
  }
};

TEST_P(AfterACrash, ACreationIsMadeOrNot) {
  const Session session = plain_session(kTenant, 1);
  die_everywhere(
      creation(session), [](Process&) {},
      [&](Process& other, bool acknowledged) {
        const bool made = other.ask(other.store.get(kTenant, session.id))->has_value();
        EXPECT_TRUE(made || !acknowledged);
        expect_sound(other, {session}, made ? 1 : 0);
      });
}

TEST_P(AfterACrash, WhoStartsPublishesWhatWasLeft) {
  const Session session = plain_session(kTenant, 1);
  die_everywhere(
      creation(session), [](Process&) {},
      [&](Process&, bool) {
        Process starting(servers.client_factory());
        const bool made = starting.ask(starting.store.get(kTenant, session.id))->has_value();
        EXPECT_EQ(events_of(starting).size(), made ? 1U : 0U);
      });
}

TEST_P(AfterACrash, AnUpdateIsMadeOrNot) {
  const Session session = plain_session(kTenant, 1);
  Session changed = session;
  changed.identity.customer_id = "someone else";
  changed.version += 1;
  die_everywhere(
      update(session, changed),
      [&](Process& before) {
        ASSERT_EQ(before.ask(before.store.commit(creation(session))), CommitOutcome::committed);
      },
      [&](Process& other, bool acknowledged) {
        const bool made = *other.ask(other.store.get(kTenant, session.id)) == changed;
        EXPECT_TRUE(made || !acknowledged);
        expect_sound(other, {session}, made ? 2 : 1);
      });
}

TEST_P(AfterACrash, AnEndIsMadeOrNot) {
  const Session session = plain_session(kTenant, 1);
  die_everywhere(
      deletion(session),
      [&](Process& before) {
        ASSERT_EQ(before.ask(before.store.commit(creation(session))), CommitOutcome::committed);
      },
      [&](Process& other, bool acknowledged) {
        const bool made = !other.ask(other.store.get(kTenant, session.id))->has_value();
        EXPECT_TRUE(made || !acknowledged);
        expect_sound(other, {session}, made ? 2 : 1);
      });
}

TEST_P(AfterACrash, AnEndThatIsNotLoggedIsMadeWithItsGapOrNot) {
  const Session session = plain_session(kTenant, 1);
  die_everywhere(
      unlogged(deletion(session)),
      [&](Process& before) {
        ASSERT_EQ(before.ask(before.store.commit(creation(session))), CommitOutcome::committed);
      },
      [&](Process& other, bool acknowledged) {
        const bool made = !other.ask(other.store.get(kTenant, session.id))->has_value();
        EXPECT_TRUE(made || !acknowledged);
        let_time_pass();
        ASSERT_TRUE(other.ask(other.store.due(kLongAgo, 100)).has_value());
        EXPECT_EQ(events_after(other, 0).gap, made);
        expect_sound(other, {session}, made ? 0 : 1);
      });
}

// One key, one session, whoever dies: the session of the first, or that of the second when the
// first was not made.
TEST_P(AfterACrash, OneKeyMakesOneSession) {
  const Session first = plain_session(kTenant, 1);
  const Session second = plain_session(kTenant, 2);
  domain::Change change = creation(first);
  change.idempotency = {kTenant, "k", {}, store::testing::idempotency_entry(1, kFarOff)};
  domain::Change again = creation(second);
  again.idempotency = {kTenant, "k", {}, store::testing::idempotency_entry(2, kFarOff)};
  die_everywhere(
      change, [](Process&) {},
      [&](Process& other, bool acknowledged) {
        const auto outcome = other.ask(other.store.commit(again));
        ASSERT_TRUE(outcome.has_value());
        const auto entry = other.ask(other.store.idempotency_entry(kTenant, "k")).value();
        ASSERT_TRUE(entry.has_value());
        const bool first_made = other.ask(other.store.get(kTenant, first.id))->has_value();
        const bool second_made = other.ask(other.store.get(kTenant, second.id))->has_value();
        EXPECT_NE(first_made, second_made);
        EXPECT_EQ(entry->session, first_made ? first.id : second.id);
        EXPECT_EQ(*outcome, first_made ? CommitOutcome::conflict : CommitOutcome::committed);
        EXPECT_TRUE(first_made || !acknowledged);
        expect_sound(other, {first, second}, 1);
      });
}

INSTANTIATE_TEST_SUITE_P(Redis, AfterACrash,
                         ::testing::Values(testing::Fault::Last::not_executed,
                                           testing::Fault::Last::executed),
                         [](const auto& suite) {
                           return suite.param == testing::Fault::Last::executed
                                      ? "the_last_command_is_executed"
                                      : "the_last_command_is_not_executed";
                         });

}  // namespace
}  // namespace sojourn::redis
