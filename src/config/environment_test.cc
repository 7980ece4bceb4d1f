#include "environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "settings.h"

namespace sojourn::config {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

Environment read(const std::string& name) {
  const auto environment = read_environment({{name, "v"}});
  EXPECT_TRUE(environment) << environment.error();
  return environment.value_or(Environment{});
}

std::string refusal(const std::string& name) {
  const auto environment = read_environment({{name, "v"}});
  EXPECT_FALSE(environment) << name;
  return environment ? "" : environment.error();
}

TEST(Environment, TakesOptionsAndLeavesTheVariablesOfOthers) {
  const auto environment = read_environment({{"PATH", "/bin"},
                                             {"SOJOURN_STORE__LMDB__PATH", "/x"},
                                             {"sojourn_http__listen", "x"},
                                             {"SOJOURN", "x"},
                                             {"SOJOURN_TENANTS__POLICY__A__REQUESTS", "1/s"}});
  ASSERT_TRUE(environment) << environment.error();
  ASSERT_EQ(environment->options.size(), 2U);
  EXPECT_EQ(environment->options[0].variable, "SOJOURN_STORE__LMDB__PATH");
  EXPECT_EQ(environment->options[0].key, "store.lmdb.path");
  EXPECT_EQ(environment->options[0].value, "/x");
  EXPECT_EQ(environment->options[1].key, "tenants.policy.a.requests");
  EXPECT_THAT(environment->unknown, IsEmpty());
}

TEST(Environment, RefusesNamesThatDifferInUnderscoresWithTheRightOne) {
  for (const auto* name :
       {"SOJOURN_SECURITY_KEY_FILE", "SOJOURN_SECURITY__KEY__FILE", "SOJOURN_SECURITY_KEYFILE",
        "SOJOURN__SECURITY__KEY_FILE", "SOJOURN_SECURITYKEYFILE", "SOJOURN_Security_Key_File",
        "SOJOURN_SECURITY___KEY_FILE", "SOJOURN_SECURITY.KEY_FILE"}) {
    EXPECT_THAT(refusal(name), EndsWith("; did you mean SOJOURN_SECURITY__KEY_FILE?")) << name;
  }
  EXPECT_THAT(refusal("SOJOURN_STORE_LMDB_PATH"),
              EndsWith("did you mean SOJOURN_STORE__LMDB__PATH?"));
  for (const auto* name :
       {"SOJOURN_TENANTS_POLICY_7_IDLE_TIMEOUT", "SOJOURN_TENANTS__POLICY_7__IDLE_TIMEOUT"}) {
    EXPECT_THAT(refusal(name), EndsWith("did you mean SOJOURN_TENANTS__POLICY__ID__IDLE_TIMEOUT?"));
  }
}

TEST(Environment, RefusesASlipWithTheRightName) {
  EXPECT_THAT(refusal("SOJOURN_SECURITY_KEY_FIL"), EndsWith("SOJOURN_SECURITY__KEY_FILE?"));
  EXPECT_THAT(refusal("SOJOURN_SECURTY_KEY_FILES"), EndsWith("SOJOURN_SECURITY__KEY_FILE?"));
  EXPECT_THAT(refusal("SOJOURN_LOG_LEVLE"), EndsWith("SOJOURN_LOG__LEVEL?"));
}

// What is written as an option is refused, however far off it is.
TEST(Environment, RefusesUnknownOptions) {
  EXPECT_THAT(refusal("SOJOURN_SESSIONS__TIMEOUT"), HasSubstr("SOJOURN_SESSIONS__"));
  EXPECT_THAT(refusal("SOJOURN_A__B"),
              EndsWith("unknown option a.b; `sojourn serve --help` lists all"));
}

// Kubernetes sets these in every container beside a service that is called sojourn.
TEST(Environment, NamesOthersAndGoesOn) {
  for (const auto* name :
       {"SOJOURN_PORT", "SOJOURN_SERVICE_HOST", "SOJOURN_SERVICE_PORT", "SOJOURN_SERVICE_PORT_HTTP",
        "SOJOURN_SERVICE_PORT_ADMIN", "SOJOURN_PORT_9092_TCP", "SOJOURN_PORT_9092_TCP_ADDR",
        "SOJOURN_PORT_9092_TCP_PORT", "SOJOURN_PORT_9092_TCP_PROTO", "SOJOURN_ADMIN_PORT",
        "SOJOURN_ADMIN_SERVICE_HOST", "SOJOURN_REDIS_SERVICE_HOST", "SOJOURN_REDIS_PORT",
        "SOJOURN_HTTP_PORT", "SOJOURN_VERSION", "SOJOURN_"}) {
    const Environment environment = read(name);
    EXPECT_THAT(environment.unknown, ElementsAre(name));
    EXPECT_THAT(environment.options, IsEmpty());
  }
}

TEST(Environment, KnowsTheVariableOfEachOptionAndItsLikes) {
  for (const Setting& setting : settings()) {
    std::string right = "SOJOURN_", plain = "SOJOURN_";
    for (const char c : setting.key) {
      const auto upper = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
      right += c == '.' ? "__" : std::string(1, upper);
      plain += c == '.' ? '_' : upper;
    }
    EXPECT_EQ(read(right).options.at(0).key, setting.key);
    EXPECT_THAT(refusal(plain), EndsWith("did you mean " + right + "?"));
  }
}

}  // namespace
}  // namespace sojourn::config
