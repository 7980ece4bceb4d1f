// What becomes of a command, by what happened to it.
#include "command_machine.h"

#include <gtest/gtest.h>

namespace sojourn::redis {
namespace {

using Persistence = CommandMachine::Persistence;

const NodeAddress kFrom{"10.0.0.1", 7000};

Reply error(std::string text) { return {.kind = Reply::Kind::error, .text = std::move(text)}; }

// A step in few words.
std::string text_of(const CommandMachine::Step& step) {
  if (std::holds_alternative<CommandMachine::SendToOwner>(step)) return "send";
  if (std::holds_alternative<CommandMachine::Finish>(step)) return "finish";
  if (const auto* to = std::get_if<CommandMachine::Redirect>(&step)) {
    return (to->asking ? "ask " : "move ") + to->node.text();
  }
  if (const auto* later = std::get_if<CommandMachine::TryLater>(&step)) {
    return later->doubt_map ? "later, doubt" : "later";
  }
  return std::get<CommandMachine::GiveUp>(step).failure.maybe_executed ? "give up, maybe"
                                                                       : "give up";
}

TEST(CommandMachine, DealsWithWhatAClusterSays) {
  const struct {
    std::string reply;
    std::string step;
  } cases[] = {
      {"MOVED 3999 127.0.0.1:6381", "move 127.0.0.1:6381"},
      {"MOVED 3999 ::1:6381", "move [::1]:6381"},
      {"MOVED 3999 redis-2.example:6381", "move redis-2.example:6381"},
      {"MOVED 3999 :6381", "move 10.0.0.1:6381"},  // an empty host is the one that was asked
      {"MOVED 3999 ?:6381", "move 10.0.0.1:6381"},
      {"ASK 3999 127.0.0.1:6381", "ask 127.0.0.1:6381"},
      {"MOVED 3999 127.0.0.1", "later, doubt"},
      {"MOVED 3999 127.0.0.1:0", "later, doubt"},
      {"MOVED 3999 127.0.0.1:99999", "later, doubt"},
      {"MOVED", "later, doubt"},
      {"TRYAGAIN Multiple keys request during rehashing of slot", "later"},
      {"BUSY Redis is busy running a script.", "later"},
      {"CLUSTERDOWN The cluster is down", "later, doubt"},
      {"MASTERDOWN Link with MASTER is down", "later, doubt"},
      {"LOADING Redis is loading the dataset in memory", "later, doubt"},
      {"READONLY You can't write against a read only replica.", "later, doubt"},
      // For whoever sent it.
      {"NOSCRIPT No matching script.", "finish"},
      {"OOM command not allowed when used memory > 'maxmemory'.", "finish"},
      {"WRONGTYPE Operation against a key", "finish"},
      {"NOPERM this user has no permissions", "finish"},
      {"ERR unknown command", "finish"},
      {"MOVEDX 1 a:1", "finish"},
  };
  for (const auto& [reply, step] : cases) {
    CommandMachine machine(false, Persistence::until_deadline);
    EXPECT_EQ(text_of(machine.start()), "send");
    EXPECT_EQ(text_of(machine.on_reply(error(reply), kFrom)), step) << reply;
    EXPECT_FALSE(machine.on_deadline(false).maybe_executed) << reply;
  }
  CommandMachine machine(false, Persistence::until_deadline);
  EXPECT_EQ(text_of(machine.on_reply({.kind = Reply::Kind::status, .text = "MOVED 1 a:1"}, kFrom)),
            "finish");
}

TEST(CommandMachine, SendsAgainOnlyWhatWasNotExecutedOrMayBeRepeated) {
  {
    CommandMachine write(false, Persistence::until_deadline);
    EXPECT_EQ(text_of(write.on_unsent()), "later, doubt");
    EXPECT_EQ(text_of(write.on_no_owner()), "later, doubt");
    EXPECT_EQ(text_of(write.on_lost()), "give up, maybe");
  }
  {
    CommandMachine read(true, Persistence::until_deadline);
    EXPECT_EQ(text_of(read.on_lost()), "later, doubt");
    // Once lost, it stays in doubt whatever comes.
    EXPECT_EQ(text_of(read.on_reply(error("TRYAGAIN"), kFrom)), "later");
    EXPECT_TRUE(read.on_deadline(false).maybe_executed);
  }
}

TEST(CommandMachine, SaysAtItsDeadlineWhetherItMayHaveBeenExecuted) {
  CommandMachine machine(false, Persistence::until_deadline);
  EXPECT_FALSE(machine.on_deadline(false).maybe_executed);
  EXPECT_TRUE(machine.on_deadline(true).maybe_executed);
  EXPECT_EQ(machine.on_deadline(true).error.kind, ErrorKind::store_unavailable);
  EXPECT_NE(machine.on_deadline(false).error.detail, machine.on_deadline(true).error.detail);
}

TEST(CommandMachine, PausesWhenItIsSentInACircle) {
  CommandMachine machine(false, Persistence::until_deadline);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(text_of(machine.on_reply(error("MOVED 1 a:1"), kFrom)), "move a:1");
    }
    EXPECT_EQ(text_of(machine.on_reply(error("MOVED 1 a:1"), kFrom)), "later, doubt");
  }
}

TEST(CommandMachine, WaitsLongerEachTimeUpToALimit) {
  CommandMachine machine(false, Persistence::until_deadline);
  Duration before{0};
  for (int i = 0; i < 100; ++i) {
    const auto delay = std::get<CommandMachine::TryLater>(machine.on_unsent()).delay;
    EXPECT_GE(delay, before);
    EXPECT_LE(delay, std::chrono::milliseconds(250));
    before = delay;
  }
  EXPECT_EQ(before, std::chrono::milliseconds(250));
}

TEST(CommandMachine, GivesUpAtOnceWhereAnotherNodeCanAnswer) {
  CommandMachine machine(true, Persistence::once);
  EXPECT_EQ(text_of(machine.on_unsent()), "give up");
  EXPECT_EQ(text_of(machine.on_reply(error("LOADING"), kFrom)), "finish");
}

}  // namespace
}  // namespace sojourn::redis
