#include "domain/precondition.h"

#include <gmock/gmock.h>

#include "base/manual_clock.h"
#include "base/seeded_entropy.h"

namespace sojourn::domain {
namespace {

using testing::HasSubstr, testing::Not;

class Condition : public testing::Test {
 protected:
  SeededEntropy entropy_;
  ManualClock clock_;
  const Session session_{.id = SessionId::make(clock_.now(), entropy_),
                         .tenant = *TenantId::parse("1"),
                         .identity = {},
                         .created_at = clock_.now(),
                         .last_accessed_at = clock_.now(),
                         .expires_at = clock_.now(),
                         .version = 7,
                         .attributes = {}};
  const EntityTags any_{.any = true, .strong = {}, .weak = {}};
  const EntityTags same_{.any = false, .strong = {3, 7}, .weak = {}};
  const EntityTags weak_{.any = false, .strong = {3}, .weak = {7}};
  const EntityTags other_{.any = false, .strong = {3}, .weak = {4}};
  const EntityTags none_{};

  bool holds(const Preconditions& given, const Session* session) {
    const auto refused = refusal(given, session);
    EXPECT_TRUE(!refused || refused->kind == ErrorKind::version_mismatch);
    return !refused;
  }
};

TEST_F(Condition, WithoutAnyARequestMayGoOn) {
  EXPECT_TRUE(holds({}, &session_));
  EXPECT_TRUE(holds({}, nullptr));
  EXPECT_FALSE(Preconditions{}.given());
}

TEST_F(Condition, IfMatchNeedsThisVersionOfALiveSession) {
  EXPECT_TRUE(holds({.if_match = any_, .if_none_match = {}}, &session_));
  EXPECT_TRUE(holds({.if_match = same_, .if_none_match = {}}, &session_));
  for (const auto& tags : {weak_, other_, none_}) {
    EXPECT_FALSE(holds({.if_match = tags, .if_none_match = {}}, &session_));
  }
  for (const auto& tags : {any_, same_}) {
    EXPECT_FALSE(holds({.if_match = tags, .if_none_match = {}}, nullptr));
  }
}

TEST_F(Condition, IfNoneMatchNeedsAnotherVersionOrNone) {
  EXPECT_TRUE(holds({.if_match = {}, .if_none_match = other_}, &session_));
  for (const auto& tags : {any_, same_, weak_}) {
    EXPECT_FALSE(holds({.if_match = {}, .if_none_match = tags}, &session_));
    EXPECT_TRUE(holds({.if_match = {}, .if_none_match = tags}, nullptr));
  }
}

TEST_F(Condition, IfMatchIsLookedAtFirst) {
  EXPECT_TRUE(holds({.if_match = same_, .if_none_match = other_}, &session_));
  EXPECT_THAT(refusal({.if_match = other_, .if_none_match = any_}, &session_)->detail,
              HasSubstr("If-Match"));
  EXPECT_THAT(refusal({.if_match = same_, .if_none_match = any_}, &session_)->detail,
              HasSubstr("If-None-Match"));
}

TEST_F(Condition, AWeakTagIsExplained) {
  for (const auto& tags : {weak_, other_}) {
    EXPECT_THAT(refusal({.if_match = tags, .if_none_match = {}}, &session_)->detail,
                HasSubstr("proxy"));
  }
  const EntityTags strong{.any = false, .strong = {3}, .weak = {}};
  EXPECT_THAT(refusal({.if_match = strong, .if_none_match = {}}, &session_)->detail,
              Not(HasSubstr("proxy")));
}

}  // namespace
}  // namespace sojourn::domain
