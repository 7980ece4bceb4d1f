// Which reply belongs to which command, and what is in doubt when a connection breaks.
#include "pipeline.h"

#include <gmock/gmock.h>

namespace sojourn::redis {
namespace {

using namespace std::chrono_literals;

const SteadyTime kNow{1h};
const Reply kOk{.kind = Reply::Kind::status, .text = "OK"};

RequestPtr request(size_t replicas = 0, bool asking = false) {
  Command command(0, {"SET", "a", "1"});
  command.replicas = replicas;
  auto made = std::make_shared<Request>(std::move(command), kNow + 2s,
                                        CommandMachine::Persistence::until_deadline);
  made->asking = asking;
  return made;
}

class PipelineTest : public ::testing::Test {
 protected:
  std::string write() {
    std::string out;
    pipeline->write(out, 1000, kNow);
    return out;
  }
  std::vector<Pipeline::Completed> reply(Reply given) {
    std::vector<Pipeline::Completed> completed;
    EXPECT_TRUE(pipeline->on_reply(std::move(given), kNow + 1s, completed));
    return completed;
  }
  void use(Lane lane) { pipeline.emplace(lane, 500ms); }

  std::optional<Pipeline> pipeline = Pipeline(Lane::plain, 500ms);
};

TEST_F(PipelineTest, SkipsTheRepliesToAsking) {
  const auto first = request(0, true);
  const auto second = request();
  pipeline->add(first);
  pipeline->add(second);
  EXPECT_EQ(write(), "*1\r\n$6\r\nASKING\r\n" + first->command.bytes + second->command.bytes);
  EXPECT_TRUE(reply(kOk).empty());
  EXPECT_EQ(reply(kOk).at(0).request, first);
  EXPECT_FALSE(first->sent);
  EXPECT_TRUE(second->sent);
  EXPECT_EQ(reply(kOk).at(0).request, second);
  std::vector<Pipeline::Completed> none;
  EXPECT_FALSE(pipeline->on_reply(kOk, kNow, none));
}

TEST_F(PipelineTest, LeavesOutWhatIsDone) {
  const auto late = request();
  pipeline->add(late);
  late->outcome.emplace(Answer{});
  EXPECT_EQ(write(), "");
  EXPECT_EQ(pipeline->size(), 0U);
}

TEST_F(PipelineTest, TellsTheSentFromTheUnsent) {
  const auto sent = request();
  const auto unsent = request();
  pipeline->add(sent);
  write();
  pipeline->add(unsent);
  EXPECT_TRUE(sent->sent);
  const auto lost = pipeline->on_lost();
  EXPECT_THAT(lost.sent, ::testing::ElementsAre(sent));
  EXPECT_THAT(lost.unsent, ::testing::ElementsAre(unsent));
  EXPECT_FALSE(sent->sent);
  EXPECT_EQ(pipeline->waiting_since(), std::nullopt);
}

TEST_F(PipelineTest, WaitsForTheNextReplyFromTheOneBefore) {
  pipeline->add(request());
  pipeline->add(request());
  EXPECT_EQ(pipeline->waiting_since(), std::nullopt);
  write();
  EXPECT_EQ(pipeline->waiting_since(), kNow);
  reply(kOk);
  EXPECT_EQ(pipeline->waiting_since(), kNow + 1s);
}

TEST_F(PipelineTest, ClosesEachBatchWithOneWaitForTheMostReplicas) {
  use(Lane::replicated);
  const auto first = request(1);
  const auto second = request(2);
  pipeline->add(first);
  pipeline->add(second);
  EXPECT_THAT(write(), ::testing::EndsWith("*3\r\n$4\r\nWAIT\r\n$1\r\n2\r\n$3\r\n500\r\n"));
  pipeline->add(request(1));
  EXPECT_EQ(write(), "");  // gathers meanwhile
  EXPECT_TRUE(reply(kOk).empty());
  // Executed, and still in doubt: what is said at its deadline must not deny it.
  EXPECT_TRUE(first->sent);
  ASSERT_EQ(reply({.kind = Reply::Kind::error, .text = "OOM"}).size(), 1U);  // not held up by WAIT
  const auto completed = reply({.kind = Reply::Kind::integer, .integer = 1});
  ASSERT_EQ(completed.size(), 1U);
  EXPECT_EQ(completed[0].request, first);
  EXPECT_EQ(completed[0].replicas, 1U);
  EXPECT_FALSE(first->sent);
  EXPECT_NE(write(), "");
}

TEST_F(PipelineTest, AnAnswerWhoseWaitIsLostIsAnAnswerWithoutReplicas) {
  use(Lane::replicated);
  const auto answered = request(1);
  pipeline->add(answered);
  write();
  reply(kOk);
  const auto lost = pipeline->on_lost();
  EXPECT_TRUE(lost.sent.empty());
  ASSERT_EQ(lost.completed.size(), 1U);
  EXPECT_EQ(lost.completed[0].reply, kOk);
  EXPECT_EQ(lost.completed[0].replicas, 0U);
}

}  // namespace
}  // namespace sojourn::redis
