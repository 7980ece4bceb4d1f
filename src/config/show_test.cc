// Every option is shown as it can be read again, and knows whether it takes effect at SIGHUP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "config/config.h"
#include "settings.h"

namespace sojourn::config {
namespace {

// A value of each option that is not its default.
const std::map<std::string, std::string> kOthers = {
    {"http.listen", "\"[::1]:0\""},
    {"http.threads", "3"},
    {"http.base_paths", R"(["/api", "/x/\"y"])"},
    {"cors.allowed_headers", "[\"X-Requested-With\", \"X-Page\"]"},
    {"cors.allowed_origins", "[\"https://shop.example\", \"http://[::1]:8080\"]"},
    {"http.mirror_session_id", "false"},
    {"http.max_connections", "7"},
    {"http.max_connections_per_client", "0"},
    {"http.header_timeout", "\"1500ms\""},
    {"http.idle_timeout", "\"2h\""},
    {"http.max_header_bytes", "\"1025B\""},
    {"http.max_body_bytes", "\"0\""},
    {"http.max_unsent_bytes", "\"1025KiB\""},
    {"http.drain_timeout", "0"},
    {"http.trusted_proxies", "[\"127.0.0.1\", \"2001:db8::/32\"]"},
    {"limits.client_requests", "\"600/m burst 7\""},
    {"limits.client_creates", "\"1000/h burst 1\""},
    {"http.tls.certificate", R"("a\\b\".pem")"},
    {"http.tls.key", "\"key.pem\""},
    {"http.tls.client_ca", "\"ca.pem\""},
    {"http.tls.client_auth", "\"optional\""},
    {"admin.listen", "\"\""},
    {"admin.max_connections", "7"},
    {"admin.tls.certificate", "\"c.pem\""},
    {"admin.tls.key", "\"k.pem\""},
    {"admin.tls.client_ca", "\"a.pem\""},
    {"admin.tls.client_auth", "\"required\""},
    {"security.key_file", R"("/etc/so\u007fjourn/k\u00e9ys\n")"},
    {"security.allow_insecure", "true"},
    {"store.kind", "\"redis\""},
    {"store.redis.url", "\"rediss://a:1,b:2\""},
    {"store.redis.username", "\"u\""},
    {"store.redis.password_file", "\"p.txt\""},
    {"store.redis.tls.ca", "\"ca.pem\""},
    {"store.redis.tls.certificate", "\"c.pem\""},
    {"store.redis.tls.key", "\"k.pem\""},
    {"store.redis.tls.verify", "\"none\""},
    {"store.redis.connect_timeout", "\"3s\""},
    {"store.redis.command_timeout", "\"4s\""},
    {"store.redis.start_timeout", "\"17s\""},
    {"store.redis.max_pending", "5"},
    {"store.redis.wait_replicas", "2"},
    {"store.redis.wait_timeout", "\"7ms\""},
    {"store.lmdb.path", "\"/var/lib/sojourn\""},
    {"store.lmdb.map_size", "\"3GiB\""},
    {"store.lmdb.durability", "\"interval:1m\""},
    {"store.lmdb.commit_timeout", "\"1h\""},
    {"limits.tenant_requests", "\"100/s burst 500\""},
    {"sessions.max_sessions", "50"},
    {"limits.tenant_creates", "\"7/m\""},
    {"sessions.idle_timeout", "\"17m\""},
    {"sessions.max_lifetime", "\"3650d\""},
    {"sessions.touch_interval", "0"},
    {"sessions.on_unknown_id", "\"not_found\""},
    {"sessions.on_customer_conflict", "\"replace\""},
    {"sessions.index", R"(["visitId", "agentId"])"},
    {"tenants.closed", "true"},
    {"tenants.default", "\"a \\\"b\\\"\""},
    {"events.retention", "\"0\""},
    {"log.level", "\"error\""},
    {"log.access", "\"1/100\""},
};
class Show : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  Options read(const std::string& text) {
    std::ofstream(path_) << text;
    auto loaded = load({.file = path_, .environment = {}, .flags = {}});
    if (!loaded) throw std::runtime_error(loaded.error() + "\n" + text);
    return std::move(loaded->options);
  }
  // Every option with its other value.
  Options others() {
    std::string text;
    for (const auto& [key, value] : kOthers) text += key + " = " + value + "\n";
    return read(text);
  }

  std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                ("sojourn_show_test_" + std::to_string(getpid()) + ".toml");
};

void expect_same(const Options& a, const Options& b) {
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(setting.binding.same(a, b)) << setting.key;
  }
}

TEST_F(Show, WhatIsShownIsReadToTheSame) {
  for (const Options& options : {Options(), others()}) {
    const std::string shown = show(options);
    const Options again = read(shown);
    expect_same(options, again);
    EXPECT_EQ(show(again), shown);
  }
}

TEST_F(Show, EveryOptionHasItsOwnMember) {
  const Options all = others(), none;
  for (const Setting& setting : settings()) {
    ASSERT_TRUE(kOthers.contains(setting.key)) << "give " << setting.key << " another value above";
    EXPECT_FALSE(setting.binding.same(all, none)) << setting.key << ": the same as the default";
    Options one;
    setting.binding.copy(one, all);
    for (const Setting& other : settings()) {
      const bool same = other.binding.same(one, none);
      EXPECT_EQ(same, &other != &setting) << setting.key << " and " << other.key;
    }
  }
}

TEST_F(Show, NoPassword) {
  const Options options = read("[store.redis]\nurl = \"redis://me:secret@a:1,b:2\"\n");
  EXPECT_EQ(options.redis.url, "redis://me:secret@a:1,b:2");
  EXPECT_THAT(show(options), testing::HasSubstr("url = \"redis://me:***@a:1,b:2\"\n"));
}

TEST_F(Show, PoliciesOfTenants) {
  const Options options = read(R"(
[sessions]
touch_interval = "1s"
[tenants.policy."a.b \"c\""]
idle_timeout = "5m"
on_unknown_id = "not_found"
[tenants.policy.7]
)");
  const Options again = read(show(options));
  ASSERT_EQ(again.tenants.policies.size(), 2u);
  for (const auto& [tenant, policy] : options.tenants.policies) {
    const auto& read_again = again.tenants.policies.at(tenant);
    for (const auto& [name, binding] : policy_settings()) {
      EXPECT_TRUE(binding.same(policy, read_again)) << tenant.text() << " " << name;
    }
  }
}

TEST_F(Show, ReadsAsAConfigurationFile) {
  const std::string shown = show(read("[sessions]\nidle_timeout = \"90s\"\n"));
  EXPECT_THAT(shown, testing::HasSubstr("[sessions]\nidle_timeout = \"90s\"\n"
                                        "max_lifetime = \"1d\"  # default\n"
                                        "touch_interval = \"3s\"\n"));
  EXPECT_THAT(shown, testing::HasSubstr("# threads is not set: one per core\n"));
  EXPECT_THAT(shown, testing::HasSubstr("# key_file is not set\n"));
}

TEST_F(Show, WhatNeedsARestartKeepsItsOldValue) {
  const Options running, loaded = others();
  std::vector<std::string> kept;
  const Options now = reloaded(running, loaded, kept);
  EXPECT_THAT(
      kept,
      testing::UnorderedElementsAre(
          "http.listen", "http.threads", "http.base_paths", "admin.listen", "store.kind",
          "store.lmdb.path", "store.lmdb.map_size", "store.lmdb.durability",
          "store.lmdb.commit_timeout", "store.redis.url", "store.redis.username",
          "store.redis.password_file", "store.redis.tls.ca", "store.redis.tls.certificate",
          "store.redis.tls.key", "store.redis.tls.verify", "store.redis.connect_timeout",
          "store.redis.command_timeout", "store.redis.start_timeout", "store.redis.max_pending",
          "store.redis.wait_replicas", "store.redis.wait_timeout", "sessions.index"));
  for (const Setting& setting : settings()) {
    EXPECT_TRUE(setting.binding.same(now, setting.takes == Takes::live ? loaded : running))
        << setting.key;
  }
  EXPECT_EQ(now.tenants.policy.idle_timeout, loaded.tenants.policy.idle_timeout);
}

}  // namespace
}  // namespace sojourn::config
