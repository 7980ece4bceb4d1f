#include "access/key_ring.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>

#include "base/seeded_entropy.h"

namespace sojourn::access {
namespace {

using testing::AllOf, testing::HasSubstr, testing::Not, testing::StartsWith;

const std::string kHash(64, 'a');

domain::TenantId tenant(const char* text) { return *domain::TenantId::parse(text); }

std::string line(std::string_view name, std::string_view members) {
  return fmt::format("{} = {{ sha256 = \"{}\", {} }}\n", name, kHash, members);
}

std::string complaint(const std::string& text) {
  const auto ring = KeyRing::parse(text, "keys.toml");
  return ring ? "" : ring.error();
}

TEST(KeyRing, ReadsEveryMember) {
  const auto ring = KeyRing::parse(
      "# who may call\n\n" +
          line(
              "web",
              R"(tenants = ["2", "1"], scopes = ["read", "write"], expires = 2027-01-01T01:00:00+01:00)"),
      "keys.toml");
  ASSERT_TRUE(ring) << ring.error();
  ASSERT_EQ(ring->keys().size(), 1U);
  const ApiKey& key = ring->keys()[0];
  EXPECT_EQ(key.name, "web");
  Digest hash;
  hash.fill(0xaa);
  EXPECT_EQ(key.sha256, hash);
  EXPECT_EQ(key.tenants, (std::set{tenant("1"), tenant("2")}));
  Scopes scopes;
  scopes.add(Scope::read);
  scopes.add(Scope::write);
  EXPECT_EQ(key.scopes, scopes);
  using namespace std::chrono;
  EXPECT_EQ(key.expires, Time(sys_days(2027y / January / 1)));
}

TEST(KeyRing, AStarIsEveryTenant) {
  const auto ring = KeyRing::parse(line("ops", R"(tenants = "*", scopes = ["admin"])"), "k");
  ASSERT_TRUE(ring) << ring.error();
  EXPECT_EQ(ring->keys()[0].tenants, std::nullopt);
  EXPECT_EQ(ring->keys()[0].expires, std::nullopt);
}

TEST(KeyRing, AnEmptyFileIsAnEmptyRing) {
  const auto ring = KeyRing::parse("# nobody yet\n", "keys.toml");
  ASSERT_TRUE(ring) << ring.error();
  EXPECT_TRUE(ring->keys().empty());
  EXPECT_EQ(ring->find(Digest{}), nullptr);
}

TEST(KeyRing, FindsEachKeyByItsWholeHash) {
  SeededEntropy entropy;
  KeyHasher hash;
  std::vector<ApiKey> keys;
  std::string text;
  for (int i = 0; i < 300; ++i) {
    ApiKey key{.name = "key" + std::to_string(i), .sha256 = hash(make_key(entropy))};
    // Some share their first 8 bytes, so that only the rest tells them apart.
    if (i % 3 != 0) std::copy_n(keys.back().sha256.begin(), 8, key.sha256.begin());
    key.scopes.add(Scope::read);
    text += key_line(key);
    keys.push_back(std::move(key));
  }
  const auto ring = KeyRing::parse(text, "keys.toml");
  ASSERT_TRUE(ring) << ring.error();
  for (const ApiKey& key : keys) {
    const ApiKey* found = ring->find(key.sha256);
    ASSERT_NE(found, nullptr) << key.name;
    EXPECT_EQ(*found, key);
    for (size_t bit = 0; bit < 256; ++bit) {
      Digest changed = key.sha256;
      changed[bit / 8] = static_cast<uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
      ASSERT_EQ(ring->find(changed), nullptr) << key.name << " bit " << bit;
    }
  }
}

TEST(KeyRing, ALineIsReadBackAsItWas) {
  using namespace std::chrono;
  ApiKey key{.name = "odd"};
  key.sha256.fill(0x0f);
  key.tenants = {tenant("a \"b\" \\ c"), tenant("\xc3\xa9,="), tenant("2")};
  key.scopes.add(Scope::end);
  key.scopes.add(Scope::events);
  key.expires = Time(sys_days(2030y / March / 1) + 12h + 30min + 5s);
  for (const ApiKey& one : {key, ApiKey{.name = "all", .sha256 = {1}, .scopes = key.scopes}}) {
    const std::string written = key_line(one);
    EXPECT_EQ(std::ranges::count(written, '\n'), 1) << written;
    const auto ring = KeyRing::parse(written, "k");
    ASSERT_TRUE(ring) << ring.error();
    EXPECT_EQ(ring->keys()[0], one) << written;
  }
}

TEST(KeyRing, SaysWhereAMistakeIsAndWhatWouldBeRight) {
  const std::string rest = R"(tenants = "*", scopes = ["read"])";
  const std::string good = line("first", rest);
  const auto second = [&](const std::string& text) { return complaint(good + "\n" + text); };
  const auto at_3 = [](const char* what) {
    return AllOf(StartsWith("keys.toml:3: "), HasSubstr(what));
  };

  EXPECT_THAT(second("web = {"), StartsWith("keys.toml:3: "));
  EXPECT_THAT(second(line("first", rest)), at_3("first"));
  EXPECT_THAT(second(line("second", rest)), at_3("first and second are the same key"));
  EXPECT_THAT(second("[web]\nsha256 = \"" + kHash + "\""), at_3("on one line"));
  EXPECT_THAT(second("web.a = { }"), at_3("on one line"));
  EXPECT_THAT(second("web = 5"), at_3("on one line"));
  EXPECT_THAT(second("\"w b\" = { }"), at_3("letters, digits"));
  EXPECT_THAT(second("\"\" = { }"), at_3("1 to 64"));
  EXPECT_THAT(second("web = { }"), at_3("web lacks sha256"));
  EXPECT_THAT(second(line("web", R"(scopes = ["read"])")), at_3("web lacks tenants"));
  EXPECT_THAT(second(line("web", R"(tenants = "*")")), at_3("web lacks scopes"));
  EXPECT_THAT(second(line("web", rest + ", scope = 1")), at_3("none of sha256, tenants"));
  EXPECT_THAT(second(R"(web = { sha256 = "abc" })"), at_3("web.sha256: the 64 hexadecimal"));
  EXPECT_THAT(second("web = { sha256 = \"" + std::string(63, 'a') + "g\" }"), at_3("web.sha256"));
  EXPECT_THAT(second("web = { sha256 = 12 }"), at_3("web.sha256"));
  for (const char* tenants : {"[]", "\"1\"", "[\"*\"]", "[\"1\", \"*\"]", "[1]", "[\"\"]", "5",
                              "[\"a\\u0007\"]", "[[\"1\"]]"}) {
    EXPECT_THAT(second(line("web", fmt::format("tenants = {}", tenants))), at_3("web.tenants"));
  }
  for (const char* scopes :
       {"[]", "\"read\"", "[\"reed\"]", "[\"read\", \"Write\"]", "[1]", "true"}) {
    EXPECT_THAT(second(line("web", fmt::format("scopes = {}", scopes))),
                at_3("read, write, end, events and admin"));
  }
  for (const char* expires :
       {"\"2027-01-01T00:00:00Z\"", "2027-01-01", "2027-01-01T00:00:00", "1", "12:00:00"}) {
    EXPECT_THAT(second(line("web", fmt::format("expires = {}", expires))),
                at_3("web.expires: a date with a time and an offset"));
  }
}

TEST(KeyRing, RepeatsNothingThatCouldBeAKey) {
  SeededEntropy entropy;
  const std::string secret = make_key(entropy);
  for (const std::string& text :
       {line(secret, ""), fmt::format("web = {{ sha256 = \"{}\" }}", secret),
        fmt::format("web = {{ {} = 1 }}", secret), fmt::format("web = \"{}\"", secret),
        line("web", fmt::format("tenants = \"{}\"", secret)),
        line("web", fmt::format("scopes = [\"{}\"]", secret)), secret,
        fmt::format("{0} = 1\n{0} = 2", secret), fmt::format("[{0}]\n[{0}]", secret)}) {
    EXPECT_THAT(complaint(text), AllOf(StartsWith("keys.toml:"), Not(HasSubstr(secret.substr(4)))))
        << text;
  }
}

TEST(KeyRing, HoldsSoManyKeysAndNoMore) {
  std::string text;
  for (size_t i = 0; i <= KeyRing::kMaxKeys; ++i) {
    if (i == KeyRing::kMaxKeys) {
      const auto ring = KeyRing::parse(text, "keys.toml");
      ASSERT_TRUE(ring) << ring.error();
      EXPECT_EQ(ring->keys().size(), KeyRing::kMaxKeys);
    }
    text += fmt::format(
        "key{} = {{ sha256 = \"{:064x}\", tenants = \"*\", scopes = [\"read\"] }}\n", i, i);
  }
  EXPECT_THAT(complaint(text), HasSubstr("more than 10000 keys"));
}

TEST(Expiry, IsAMomentWithAnOffset) {
  using namespace std::chrono;
  EXPECT_EQ(parse_expiry("2027-01-01T00:00:00Z"), Time(sys_days(2027y / January / 1)));
  EXPECT_EQ(parse_expiry("2027-01-01 02:00:00-01:30"),
            Time(sys_days(2027y / January / 1) + 3h + 30min));
  EXPECT_EQ(parse_expiry("2027-01-01T00:00:00.1259Z"), Time(sys_days(2027y / January / 1) + 125ms));
  EXPECT_TRUE(parse_expiry("9999-12-31T23:59:59Z"));
  for (const char* text : {"", "2027-01-01", "2027-01-01T00:00:00", "2027-13-01T00:00:00Z", "soon",
                           "1", "2027-01-01T00:00:00Z\nx = 1", "2027-02-30T00:00:00Z",
                           "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00"}) {
    EXPECT_FALSE(parse_expiry(text)) << text;
  }
}

}  // namespace
}  // namespace sojourn::access
