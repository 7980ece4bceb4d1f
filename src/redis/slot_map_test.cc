// CLUSTER SLOTS, as servers answer it and as they should not.
#include "slot_map.h"

#include <gmock/gmock.h>

namespace sojourn::redis {
namespace {

using ::testing::ElementsAre;

const NodeAddress kAsked{"10.0.0.9", 7009};

Reply integer(int64_t value) { return {.kind = Reply::Kind::integer, .integer = value}; }
Reply string(std::string text) { return {.kind = Reply::Kind::string, .text = std::move(text)}; }
Reply array(std::vector<Reply> elements) {
  return {.kind = Reply::Kind::array, .elements = std::move(elements)};
}
Reply node(std::string host, int64_t port) {
  return array({string(std::move(host)), integer(port), string("id"), array({})});
}
Reply range(int64_t first, int64_t last, std::vector<Reply> nodes) {
  std::vector<Reply> elements = {integer(first), integer(last)};
  elements.insert(elements.end(), nodes.begin(), nodes.end());
  return array(std::move(elements));
}
std::string owner(const SlotMap& map, uint16_t slot) {
  const NodeAddress* master = map.master_of(slot);
  return master == nullptr ? "nobody" : master->text();
}

TEST(SlotMap, IsReadFromClusterSlots) {
  const auto map = SlotMap::from_reply(
      array({range(0, 99, {node("a", 1), node("r", 1)}), range(100, 100, {node("b", 2)}),
             range(102, 16383, {node("a", 1), node("r", 1), node("s", 1)})}),
      kAsked);
  ASSERT_TRUE(map);
  EXPECT_EQ(owner(*map, 0), "a:1");
  EXPECT_EQ(owner(*map, 99), "a:1");
  EXPECT_EQ(owner(*map, 100), "b:2");
  EXPECT_EQ(owner(*map, 101), "nobody");
  EXPECT_EQ(owner(*map, 102), "a:1");
  EXPECT_EQ(owner(*map, 16383), "a:1");
  EXPECT_THAT(map->masters(), ElementsAre(NodeAddress{"a", 1}, NodeAddress{"b", 2}));
  EXPECT_THAT(map->replicas(), ElementsAre(NodeAddress{"r", 1}, NodeAddress{"s", 1}));
}

TEST(SlotMap, TakesTheHostThatWasAskedForOneThatIsNotKnown) {
  for (Reply host : {string(""), string("?"), Reply()}) {
    Reply unknown = node("", 7000);
    unknown.elements[0] = host;
    const auto map = SlotMap::from_reply(array({range(5, 5, {unknown})}), kAsked);
    ASSERT_TRUE(map);
    EXPECT_EQ(owner(*map, 5), "10.0.0.9:7000");
  }
}

TEST(SlotMap, RefusesWhatIsNone) {
  const Reply good = node("a", 1);
  const Reply cases[] = {
      Reply(),
      string("x"),
      array({string("x")}),
      array({array({integer(0), integer(1)})}),
      array({range(0, 16384, {good})}),
      array({range(-1, 5, {good})}),
      array({range(0, 5, {node("a", 0)})}),
      array({range(0, 5, {node("a", 65536)})}),
      array({range(0, 5, {array({string("a")})})}),
      array({range(0, 5, {array({integer(1), integer(1)})})}),
      array({range(0, 5, {good, string("x")})}),
  };
  for (const Reply& reply : cases) EXPECT_FALSE(SlotMap::from_reply(reply, kAsked));
}

TEST(SlotMap, RemembersWhatMoved) {
  auto map = SlotMap::of_one({"a", 1});
  EXPECT_EQ(owner(map, 0), "a:1");
  EXPECT_EQ(owner(map, 16383), "a:1");
  map.move(7, {"b", 2});
  map.move(8, {"b", 2});
  EXPECT_EQ(owner(map, 6), "a:1");
  EXPECT_EQ(owner(map, 7), "b:2");
  EXPECT_EQ(map.masters().size(), 2U);
}

}  // namespace
}  // namespace sojourn::redis
