// The steps of the index, one at a time, in the orders that races bring.
#include "index.h"

#include <gtest/gtest.h>

#include "encoding/keys.h"
#include "keys.h"
#include "testing/redis_servers.h"
#include "testing/sessions.h"

namespace sojourn::redis {
namespace {

using store::testing::creation;
using store::testing::deletion;
using store::testing::plain_session;
using store::testing::tenant;

class IndexTest : public ::testing::Test {
 protected:
  IndexTest() { servers_.forget_all(); }

  // The test's client answers at once.
  template <class T>
  static T done(Task<T> task) {
    if (!task.start([](void*) {}, nullptr)) throw std::runtime_error("a task waits");
    return task.take();
  }

  Mark marked(const domain::Change& change) {
    Mark mark = index.marks_of(change).at(0);
    EXPECT_TRUE(done(index.mark(mark, false)).has_value());
    return mark;
  }
  void settle(const Mark& mark) {
    Task<void> task = index.settle({mark});
    EXPECT_TRUE(task.start([](void*) {}, nullptr));
  }

  size_t entries() {
    size_t count = 0;
    for (const Reply& key : servers_.ask({"KEYS", "*:index:*"}).elements) {
      count += static_cast<size_t>(servers_.ask({"ZCARD", key.text}).integer);
    }
    return count;
  }
  size_t marks() { return servers_.ask({"KEYS", "*:work"}).elements.size(); }

  testing::RedisServers& servers_ = testing::single_redis();
  std::unique_ptr<Client> client_ = servers_.blocking_client();
  const Scripts scripts_;
  Health health_;
  NoLog log_;
  Servers through_{*client_, scripts_, 0, health_, log_};
  Index index{through_, {domain::IdentityAttribute::customer_id}};
  const domain::Session session_ = plain_session(tenant("t"), 1);
};

TEST_F(IndexTest, AnEntryThatBecameRightStays) {
  const Mark mark = marked(creation(session_));
  EXPECT_EQ(entries(), 1U);
  EXPECT_EQ(marks(), 1U);
  settle(mark);
  EXPECT_EQ(entries(), 1U);
  EXPECT_EQ(marks(), 0U);
}

TEST_F(IndexTest, AnEntryThatBecameWrongGoes) {
  settle(marked(creation(session_)));
  settle(marked(deletion(session_)));
  EXPECT_EQ(entries(), 0U);
  EXPECT_EQ(marks(), 0U);
}

// A took the value away and is late to say so; B has given it back meanwhile.
TEST_F(IndexTest, AnOlderMarkRemovesNothing) {
  settle(marked(creation(session_)));
  const Mark took = marked(deletion(session_));
  const Mark gave = marked(creation(session_));
  EXPECT_NE(took.mark, gave.mark);
  settle(took);
  EXPECT_EQ(entries(), 1U);
  settle(gave);
  settle(took);
  EXPECT_EQ(entries(), 1U);
  EXPECT_EQ(marks(), 0U);
}

TEST_F(IndexTest, WhoFindsAMarkLooksAtTheSession) {
  const Mark mark = marked(creation(session_));
  EXPECT_TRUE(done(index.verify(mark.name, mark.mark)).has_value());
  EXPECT_EQ(entries(), 0U);
  EXPECT_EQ(marks(), 0U);
}

TEST_F(IndexTest, AnEntryOfASessionThatIsNotStoredDoesNotStay) {
  EXPECT_TRUE(done(index.fit(session_)).has_value());
  EXPECT_EQ(entries(), 0U);
  EXPECT_EQ(marks(), 0U);
}

// Whoever marked it decides.
TEST_F(IndexTest, AnEntryThatIsMadeUpForLeavesTheMarksOfOthers) {
  const Mark took = marked(deletion(session_));
  EXPECT_EQ(entries(), 0U);
  EXPECT_TRUE(done(index.fit(session_)).has_value());
  EXPECT_EQ(entries(), 1U);
  EXPECT_EQ(marks(), 1U);
  settle(took);
  EXPECT_EQ(entries(), 0U);
  EXPECT_EQ(marks(), 0U);
}

TEST_F(IndexTest, ACommitLongAfterItsMarkIsRefused) {
  const encoding::SessionKeyBytes bytes(session_.tenant, session_.id);
  const std::string name(bytes.view());
  const size_t shard = shard_of(name);
  const auto commit = [&](std::string deadline) {
    return done(through_.run(scripts_.commit, shard,
                             words(key_in(shard, "session", name), key_in(shard, "due"),
                                   key_in(shard, "named"), key_in(shard, "anonymous"),
                                   key_in(shard, "out"), key_in(shard, "number")),
                             words("", "record", "id", "member", "1", "0", "", "n", "",
                                   std::move(deadline))))
        .value();
  };
  EXPECT_EQ(element(commit("1000000"), 0).integer, -1);
  EXPECT_TRUE(servers_.ask({"KEYS", "*"}).elements.empty());
  const Mark mark = marked(creation(session_));
  EXPECT_EQ(element(commit(deadline_of(std::vector{mark})), 0).integer, 1);
}

}  // namespace
}  // namespace sojourn::redis
