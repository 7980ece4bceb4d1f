#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace sojourn::config {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::MatchesRegex;

class Config : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  std::expected<Options, std::string> from_file(const std::string& text) {
    std::ofstream(path_) << text;
    return options_of({.file = path_, .environment = {}, .flags = {}});
  }
  static std::expected<Options, std::string> from_set(const std::string& key,
                                                      const std::string& value) {
    return options_of({.file = {}, .environment = {}, .flags = {{"--set", key, value}}});
  }
  static std::expected<Options, std::string> options_of(const Sources& sources) {
    auto loaded = load(sources);
    if (!loaded) return std::unexpected(loaded.error());
    return std::move(loaded->options);
  }

  std::filesystem::path path_ = std::filesystem::temp_directory_path() /
                                ("sojourn_config_test_" + std::to_string(getpid()) + ".toml");
};

TEST_F(Config, DefaultsAreThoseOfTheModules) {
  const auto options = options_of({});
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->http.listen, "127.0.0.1:9092");
  EXPECT_EQ(options->admin.listen, "127.0.0.1:9093");
  EXPECT_EQ(options->tenants.policy.idle_timeout, 30min);
  EXPECT_EQ(options->tenants.policy.touch_interval, 1min);
  EXPECT_EQ(options->lmdb.map_size, uint64_t{64} << 30);
  EXPECT_FALSE(options->tenants.default_tenant);
}

TEST_F(Config, ReadsAFile) {
  const auto options = from_file(R"(
[http]
listen = "127.0.0.1:1"
threads = 3
base_paths = ["/api"]
mirror_session_id = false
max_body_bytes = "1KiB"
[sessions]
idle_timeout = "2s"
on_unknown_id = "not_found"
[store.lmdb]
durability = "interval:100ms"
[tenants]
default = "1"
)");
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->http.listen, "127.0.0.1:1");
  EXPECT_EQ(options->http_threads, 3u);
  EXPECT_THAT(options->api.base_paths, testing::ElementsAre("/api"));
  EXPECT_FALSE(options->api.mirror_session_id);
  EXPECT_EQ(options->http.max_body_bytes, 1024u);
  EXPECT_EQ(options->tenants.policy.idle_timeout, 2s);
  EXPECT_EQ(options->tenants.policy.touch_interval, 66ms) << "a thirtieth of the idle time";
  EXPECT_EQ(options->tenants.policy.on_unknown_id, domain::OnUnknownId::not_found);
  EXPECT_EQ(options->lmdb.sync_interval, 100ms);
  EXPECT_EQ(options->tenants.default_tenant->text(), "1");
}

TEST_F(Config, LaterSourcesWin) {
  std::ofstream(path_) << "[sessions]\nidle_timeout = \"1s\"\nmax_lifetime = \"1h\"\n[http]\n"
                          "threads = 1\n";
  const auto options = options_of({.file = path_,
                                   .environment = {{"SOJOURN_SESSIONS__IDLE_TIMEOUT", "2s"},
                                                   {"SOJOURN_SESSIONS__MAX_LIFETIME", "2h"},
                                                   {"PATH", "/bin"}},
                                   .flags = {{"--set", "sessions.idle_timeout", "3s"}}});
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->tenants.policy.idle_timeout, 3s);
  EXPECT_EQ(options->tenants.policy.max_lifetime, 2h);
  EXPECT_EQ(options->http_threads, 1u);
}

TEST_F(Config, PlainValuesAreTomlOrStrings) {
  EXPECT_EQ(from_set("tenants.default", "1")->tenants.default_tenant->text(), "1");
  EXPECT_EQ(from_set("tenants.default", "\"1\"")->tenants.default_tenant->text(), "1");
  EXPECT_EQ(from_set("tenants.default", "2026-11-23")->tenants.default_tenant->text(),
            "2026-11-23");
  EXPECT_EQ(from_set("http.listen", "127.0.0.1:0")->http.listen, "127.0.0.1:0");
  EXPECT_EQ(from_set("http.threads", "2")->http_threads, 2u);
  EXPECT_THAT(from_set("http.base_paths", R"(["/", "/x"])")->api.base_paths,
              testing::ElementsAre("/", "/x"));
  EXPECT_EQ(from_set("sessions.touch_interval", "0")->tenants.policy.touch_interval, 0ms);
  EXPECT_EQ(from_set("admin.listen", "")->admin.listen, "");
  EXPECT_EQ(from_set("store.lmdb.path", "/tmp/x")->lmdb.path, "/tmp/x");
}

TEST_F(Config, ComplaintsNameFileLineKeyAndWhatWouldBeRight) {
  const auto says = [&](const std::string& text) { return from_file(text).error(); };
  EXPECT_THAT(says("\n[sessions]\nidle_timout = \"2s\"\n"),
              MatchesRegex(".*\\.toml:3: unknown option sessions.idle_timout; did you mean "
                           "sessions.idle_timeout\\?"));
  EXPECT_THAT(says("[sessions]\nidle_timeout = 5\n"),
              HasSubstr(":2: bad value for sessions.idle_timeout: a duration in quotes is wanted"));
  EXPECT_THAT(says("[sessions]\nidle_timeout = \"5\"\n"), HasSubstr("write it as 250ms, 2s"));
  EXPECT_THAT(says("[sessions]\nidle_timeout = \"0s\"\n"), HasSubstr("at least 1ms is wanted"));
  EXPECT_THAT(says("[http]\nthreads = 1.5\n"), HasSubstr("a whole number from 1 to 1024"));
  EXPECT_THAT(says("[http]\nthreads = -1\n"), HasSubstr("a whole number from 1 to 1024"));
  EXPECT_THAT(says("[http]\nmirror_session_id = \"yes\"\n"), HasSubstr("true or false is wanted"));
  EXPECT_THAT(says("[tenants]\ndefault = 1\n"), HasSubstr("a string in quotes is wanted"));
  EXPECT_THAT(says("[store]\nkind = \"mongo\"\n"), HasSubstr("\"lmdb\" or \"redis\" is wanted"));
  EXPECT_THAT(says("[sessions]\non_unknown_id = \"adopt\"\n"),
              HasSubstr("\"create\" or \"not_found\" is wanted"));
  EXPECT_THAT(
      says("[sessions]\nidle_timeout = \"2s\"\ntouch_interval = \"2s\"\n"),
      HasSubstr(":3: bad value for sessions.touch_interval (2000ms): less than the idle_timeout"));
  EXPECT_THAT(says("[http\n"), HasSubstr(".toml:1:"));
  EXPECT_THAT(says("[zzz]\nqqqqqqqqqqqqqqqqqq = 1\n"), HasSubstr("--help"));
  EXPECT_THAT(load({.file = "/nowhere/x.toml", .environment = {}, .flags = {}}).error(),
              HasSubstr("/nowhere/x.toml: cannot read the options: No such file or directory"));
  EXPECT_THAT(load({.file = path_.parent_path(), .environment = {}, .flags = {}}).error(),
              HasSubstr("cannot read the options: it is a directory"));
  EXPECT_FALSE(load({.file = "", .environment = {}, .flags = {}}));
  EXPECT_THAT(
      load({.file = {}, .environment = {{"SOJOURN_HTTP__LISTENS", "x"}}, .flags = {}}).error(),
      HasSubstr("SOJOURN_HTTP__LISTENS: unknown option http.listens; did you mean "
                "SOJOURN_HTTP__LISTEN?"));
  EXPECT_THAT(from_set("http.threads", "two").error(), HasSubstr("--set: bad value"));
}

TEST_F(Config, AnEmptyFileIsLegalAndSaid) {
  for (const auto* text : {"", "\n \t\r\n"}) {
    std::ofstream(path_) << text;
    const auto loaded = load({.file = path_, .environment = {}, .flags = {}});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_TRUE(loaded->file_is_empty);
    EXPECT_THAT(
        loaded->warnings,
        testing::ElementsAre(HasSubstr(path_.string() + " is empty, so it sets no option")));
  }
  for (const auto* text : {"# all defaults\n", "[http]\n"}) {
    std::ofstream(path_) << text;
    const auto loaded = load({.file = path_, .environment = {}, .flags = {}});
    ASSERT_TRUE(loaded) << loaded.error();
    EXPECT_FALSE(loaded->file_is_empty);
    EXPECT_THAT(loaded->warnings, testing::IsEmpty());
  }
}

TEST_F(Config, VariablesThatAreNoOptionsAreNamedInOneSentence) {
  Sources sources;
  EXPECT_THAT(load(sources)->warnings, testing::IsEmpty());
  for (int i = 0; i < 12; ++i)
    sources.environment.emplace_back("SOJOURN_X" + std::to_string(i), "");
  EXPECT_THAT(load(sources)->warnings,
              testing::ElementsAre(testing::AllOf(HasSubstr(": SOJOURN_X0, SOJOURN_X1, "),
                                                  HasSubstr(", SOJOURN_X9 and 2 more."))));
}

TEST_F(Config, TenantsMayHaveAPolicyOfTheirOwn) {
  const auto options = from_file(R"(
[tenants.policy."a.b"]
idle_timeout = "5m"
on_unknown_id = "not_found"
[tenants.policy.7]
max_lifetime = "1h"
[tenants.policy.8]
[sessions]
idle_timeout = "10m"
on_customer_conflict = "replace"
[tenants]
closed = true
)");
  ASSERT_TRUE(options) << options.error();
  EXPECT_TRUE(options->tenants.closed);
  const auto& policies = options->tenants.policies;
  ASSERT_EQ(policies.size(), 3u);
  const domain::Policy& ab = policies.at(*domain::TenantId::parse("a.b"));
  EXPECT_EQ(ab.idle_timeout, 5min);
  EXPECT_EQ(ab.touch_interval, 10s);
  EXPECT_EQ(ab.on_unknown_id, domain::OnUnknownId::not_found);
  EXPECT_EQ(ab.on_customer_conflict, domain::OnCustomerConflict::replace) << "as for all";
  const domain::Policy& seven = policies.at(*domain::TenantId::parse("7"));
  EXPECT_EQ(seven.idle_timeout, 10min);
  EXPECT_EQ(seven.max_lifetime, 1h);
  EXPECT_EQ(policies.at(*domain::TenantId::parse("8")).idle_timeout, 10min);

  EXPECT_EQ(from_set("tenants.policy.\"x y\".idle_timeout", "2s")
                ->tenants.policies.at(*domain::TenantId::parse("x y"))
                .idle_timeout,
            2s);
  EXPECT_THAT(from_file("[tenants.policy.1]\nidle = \"2s\"\n").error(),
              HasSubstr(":2: unknown option tenants.policy.1.idle; a tenant's policy may set"));
  EXPECT_THAT(from_file("[tenants.policy]\n7 = 1\n").error(),
              HasSubstr(":2: bad value for tenants.policy.7: a table is wanted"));
  EXPECT_THAT(from_file("[tenants.policy.\"\"]\nidle_timeout = \"2s\"\n").error(),
              HasSubstr("bad tenant"));
  EXPECT_THAT(from_file("[sessions]\ntouch_interval = \"5s\"\n[tenants.policy.1]\n"
                        "idle_timeout = \"5s\"\n")
                  .error(),
              HasSubstr(":4: bad value for sessions.touch_interval (5000ms): less than"));
}

TEST_F(Config, SessionsIndexAndEvents) {
  EXPECT_EQ(
      from_set("sessions.index", R"(["agentId", "customerId", "visitId"])")->lmdb.indexed.size(),
      3u);
  EXPECT_EQ(from_set("sessions.index", R"(["visitId"])")->lmdb.indexed.size(), 1u);
  EXPECT_TRUE(from_set("sessions.index", "[]")->lmdb.indexed.empty());
  for (const auto* bad :
       {R"(["agentId", "agentId"])", R"(["customerId", "x"])", "customerId", "[1]"}) {
    EXPECT_THAT(from_set("sessions.index", bad).error(), HasSubstr("a list of")) << bad;
  }
  EXPECT_EQ(from_set("events.retention", "0")->events.retention, 0ms);
  EXPECT_EQ(from_set("events.retention", "30d")->events.retention, 720h);
}

TEST_F(Config, EveryOptionHasHelpAndItsDefaultIsAccepted) {
  for (const SettingHelp& setting : settings_help()) {
    EXPECT_FALSE(setting.help.empty()) << setting.key;
    const bool depends =  // on another option or on the machine
        setting.key == "sessions.touch_interval" || setting.key == "http.threads";
    if (setting.default_value.empty() || depends) continue;
    const auto options = from_set(setting.key, setting.default_value);
    EXPECT_TRUE(options) << options.error();
  }
}

}  // namespace
}  // namespace sojourn::config
