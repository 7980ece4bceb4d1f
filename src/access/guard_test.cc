#include "access/guard.h"

#include <gmock/gmock.h>

#include "base/manual_clock.h"
#include "base/seeded_entropy.h"

namespace sojourn::access {
namespace {

using testing::HasSubstr;

class GuardTest : public testing::Test {
 protected:
  GuardTest() {
    ApiKey web{.name = "web", .sha256 = KeyHasher()(secret_)};
    web.tenants = {tenant("1")};
    web.scopes.add(Scope::events);
    web.expires = clock_.now() + std::chrono::hours(1);
    guard_.use(ring(key_line(web)));
  }

  static domain::TenantId tenant(const char* text) { return *domain::TenantId::parse(text); }

  static std::shared_ptr<const KeyRing> ring(std::string_view text) {
    return std::make_shared<const KeyRing>(*KeyRing::parse(text, "keys.toml"));
  }

  auto identify(std::vector<http::Field> fields) {
    request_.fields = (fields_ = std::move(fields));
    return guard_.identify(request_);
  }
  auto identify(std::string authorization) {
    value_ = std::move(authorization);
    return identify({{"Host", "x"}, {"Authorization", value_}});
  }

  void expect_unauthenticated(const std::expected<const ApiKey*, Refusal>& who,
                              std::string_view challenge) {
    ASSERT_FALSE(who) << value_;
    EXPECT_EQ(who.error().error.kind, ErrorKind::unauthenticated) << value_;
    EXPECT_EQ(who.error().challenge, challenge) << value_;
    EXPECT_EQ(request_.caller, "");
  }

  static constexpr std::string_view kNoToken = R"(Bearer realm="sojourn")";
  static constexpr std::string_view kInvalidToken =
      R"(Bearer realm="sojourn", error="invalid_token")";

  SeededEntropy entropy_;
  const std::string secret_ = make_key(entropy_);
  ManualClock clock_;
  Guard guard_{clock_};
  http::Request request_;

 private:
  std::string value_;
  std::vector<http::Field> fields_;
};

TEST_F(GuardTest, IsOpenWithoutKeys) {
  EXPECT_FALSE(guard_.is_open());
  guard_.use(nullptr);
  EXPECT_TRUE(guard_.is_open());
  EXPECT_TRUE(Guard(clock_).is_open());
}

TEST_F(GuardTest, KnowsAKeyWhateverTheCaseOfTheScheme) {
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER ", "Bearer   ", "Bearer  \t"}) {
    const auto who = identify(scheme + secret_);
    ASSERT_TRUE(who) << scheme << who.error().error.detail;
    EXPECT_EQ((*who)->name, "web");
    EXPECT_EQ(request_.caller, "web");
  }
}

TEST_F(GuardTest, AsksWhoShowsNoToken) {
  expect_unauthenticated(identify({{"Host", "x"}}), kNoToken);
  for (const std::string& value : {std::string(), "Basic " + secret_, secret_, "Bearer\t" + secret_,
                                   "Bearers " + secret_, "sjk_ " + secret_}) {
    expect_unauthenticated(identify(value), kNoToken);
  }
}

TEST_F(GuardTest, RefusesEveryOtherToken) {
  for (const std::string& token :
       {std::string(), std::string("x"), secret_ + "x", secret_.substr(0, secret_.size() - 1),
        secret_ + " " + secret_, secret_ + ",", "\"" + secret_ + "\"", secret_.substr(4),
        std::string("SJK_") + secret_.substr(4), std::string(10'000, 'a')}) {
    expect_unauthenticated(identify("Bearer " + token), kInvalidToken);
  }
  for (size_t bit = 0; bit < 8 * secret_.size(); ++bit) {
    std::string changed = secret_;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    if (changed.find_first_of(" \t") != std::string::npos) continue;
    expect_unauthenticated(identify("Bearer " + changed), kInvalidToken);
  }
}

TEST_F(GuardTest, RefusesTwoAuthorizations) {
  const std::string value = "Bearer " + secret_;
  const auto who = identify({{"Authorization", value}, {"authorization", value}});
  ASSERT_FALSE(who);
  EXPECT_EQ(who.error().error.kind, ErrorKind::invalid_header);
  EXPECT_EQ(who.error().challenge, "");
}

TEST_F(GuardTest, AKeyIsOverTheMomentItExpires) {
  clock_.advance(std::chrono::hours(1) - Duration(1));
  EXPECT_TRUE(identify("Bearer " + secret_));
  clock_.advance(Duration(1));
  request_.caller.clear();
  const auto who = identify("Bearer " + secret_);
  expect_unauthenticated(who, kInvalidToken);
  EXPECT_THAT(who.error().error.detail, HasSubstr("expired"));
}

TEST_F(GuardTest, ForgetsWhatTheNewRingDoesNotHave) {
  EXPECT_TRUE(identify("Bearer " + secret_));
  request_.caller.clear();
  guard_.use(ring(""));
  expect_unauthenticated(identify("Bearer " + secret_), kInvalidToken);
}

TEST_F(GuardTest, PermitsWhatLastsAsLongAsTheKeyWould) {
  const Digest key = KeyHasher()(secret_);
  EXPECT_TRUE(guard_.still_permits(key, Scope::events, tenant("1")));
  EXPECT_FALSE(guard_.still_permits(key, Scope::read, tenant("1")));
  EXPECT_FALSE(guard_.still_permits(key, Scope::events, tenant("2")));
  EXPECT_FALSE(guard_.still_permits(std::nullopt, Scope::events, tenant("1")));
  clock_.advance(std::chrono::hours(1));
  EXPECT_FALSE(guard_.still_permits(key, Scope::events, tenant("1")));
  guard_.use(nullptr);
  EXPECT_TRUE(guard_.still_permits(key, Scope::events, tenant("1")));
  EXPECT_TRUE(guard_.still_permits(std::nullopt, Scope::events, tenant("1")));
}

TEST(Forbidden, SaysWhichScopeIsMissing) {
  const Refusal scope = missing_scope(Scope::end);
  EXPECT_EQ(scope.error.kind, ErrorKind::forbidden);
  EXPECT_THAT(scope.error.detail, HasSubstr("\"end\""));
  EXPECT_EQ(scope.challenge, R"(Bearer realm="sojourn", error="insufficient_scope", scope="end")");
  EXPECT_EQ(wrong_tenant().error.kind, ErrorKind::forbidden);
  EXPECT_EQ(wrong_tenant().challenge, R"(Bearer realm="sojourn", error="insufficient_scope")");
}

}  // namespace
}  // namespace sojourn::access
