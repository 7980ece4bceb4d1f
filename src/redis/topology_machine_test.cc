// When the map is asked for, and whom.
#include "topology_machine.h"

#include <gmock/gmock.h>

#include "base/seeded_entropy.h"

namespace sojourn::redis {
namespace {

using namespace std::chrono_literals;
using ::testing::UnorderedElementsAre;

const NodeAddress kA{"a", 1};
const NodeAddress kB{"b", 1};
const NodeAddress kC{"c", 1};

class TopologyMachineTest : public ::testing::Test {
 protected:
  // Whom it asks until it has asked all.
  std::vector<NodeAddress> round(const SlotMap* map) {
    std::vector<NodeAddress> asked;
    while (const auto node = machine.next(now, map)) {
      EXPECT_EQ(machine.next(now, map), std::nullopt);  // one at a time
      asked.push_back(*node);
      machine.on_no_map(now);
    }
    return asked;
  }
  void take_map() {
    ASSERT_TRUE(machine.next(now, nullptr));
    machine.on_map(now);
  }

  SeededEntropy entropy;
  TopologyMachine machine{{kA, kB}, entropy};
  TopologyMachine::Now now{1h};
};

TEST_F(TopologyMachineTest, AsksEachSeedAtFirstAndThenPauses) {
  EXPECT_THAT(round(nullptr), UnorderedElementsAre(kA, kB));
  EXPECT_EQ(machine.failed_rounds(), 1U);
  EXPECT_EQ(machine.next(now, nullptr), std::nullopt);
  now += 50ms;
  EXPECT_THAT(round(nullptr), UnorderedElementsAre(kA, kB));
  now += 24ms;
  EXPECT_EQ(machine.next(now, nullptr), std::nullopt);  // twice as long, less the jitter
  now += 76ms;
  EXPECT_TRUE(machine.next(now, nullptr));
}

TEST_F(TopologyMachineTest, AsksOnlyWhenInDoubtAndNotTooOften) {
  take_map();
  now += 1s;
  EXPECT_EQ(machine.next(now, nullptr), std::nullopt);
  machine.doubt(nullptr);
  take_map();
  machine.doubt(nullptr);
  EXPECT_EQ(machine.next(now + 99ms, nullptr), std::nullopt);
  EXPECT_TRUE(machine.next(now + 100ms, nullptr));
}

TEST_F(TopologyMachineTest, AsksNowAndThen) {
  take_map();
  EXPECT_EQ(machine.next(now + 14s, nullptr), std::nullopt);
  EXPECT_TRUE(machine.next(now + 30s, nullptr));
}

TEST_F(TopologyMachineTest, AsksTheDoubtedLastAndKnownNodesBeforeThoseOfTheUrl) {
  take_map();
  const SlotMap map = SlotMap::of_one(kC);
  now += 1s;
  machine.doubt(nullptr);
  EXPECT_EQ(round(&map).front(), kC);
  now += 10s;
  machine.doubt(&kC);
  EXPECT_EQ(round(&map).back(), kC);
}

}  // namespace
}  // namespace sojourn::redis
