#include "access/api_key.h"

#include <gtest/gtest.h>

#include <set>

#include "base/seeded_entropy.h"

namespace sojourn::access {
namespace {

// Hands out the bytes it is given, in order.
class GivenEntropy final : public Entropy {
 public:
  explicit GivenEntropy(uint8_t first, uint8_t step) : next_(first), step_(step) {}
  void fill(std::span<std::byte> out) override {
    for (std::byte& byte : out) {
      byte = std::byte{next_};
      next_ = static_cast<uint8_t>(next_ + step_);
    }
  }

 private:
  uint8_t next_;
  uint8_t step_;
};

std::string hex(const Digest& digest) {
  std::string text;
  for (const uint8_t byte : digest) {
    text.push_back("0123456789abcdef"[byte >> 4]);
    text.push_back("0123456789abcdef"[byte & 15]);
  }
  return text;
}

TEST(ApiKey, IsThePrefixAnd256BitsInBase64Url) {
  GivenEntropy zeros(0, 0);
  EXPECT_EQ(make_key(zeros), "sjk_" + std::string(43, 'A'));
  GivenEntropy ones(0xff, 0);
  EXPECT_EQ(make_key(ones), "sjk_" + std::string(42, '_') + "8");
  // Python: base64.urlsafe_b64encode(bytes(range(0xe0, 0x100)))
  GivenEntropy rising(0xe0, 1);
  EXPECT_EQ(make_key(rising), "sjk_4OHi4-Tl5ufo6err7O3u7_Dx8vP09fb3-Pn6-_z9_v8");
  EXPECT_EQ(make_key(rising).size(), kKeyLength);
}

TEST(ApiKey, NoTwoAreAlike) {
  SeededEntropy entropy;
  std::set<std::string> keys;
  for (int i = 0; i < 1000; ++i) keys.insert(make_key(entropy));
  EXPECT_EQ(keys.size(), 1000U);
}

TEST(ApiKey, ItsHashIsSha256) {
  // FIPS 180-2, appendix B.1 and B.2.
  KeyHasher hash;
  EXPECT_EQ(hex(hash("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(hash("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(hash("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(ApiKey, IsForItsTenantsAndUntilItExpires) {
  const auto tenant = [](const char* text) { return *domain::TenantId::parse(text); };
  ApiKey key{.name = "web"};
  EXPECT_TRUE(key.is_for(tenant("1")));
  key.tenants = {tenant("1"), tenant("2")};
  EXPECT_TRUE(key.is_for(tenant("2")));
  EXPECT_FALSE(key.is_for(tenant("3")));
  EXPECT_FALSE(key.is_for(tenant("*")));

  EXPECT_FALSE(key.is_over(Time::max()));
  key.expires = Time(Duration(1000));
  EXPECT_FALSE(key.is_over(Time(Duration(999))));
  EXPECT_TRUE(key.is_over(Time(Duration(1000))));
}

TEST(ApiKey, NamesAreWhatTomlAndALogTakeAsTheyAre) {
  EXPECT_TRUE(is_key_name("web"));
  EXPECT_TRUE(is_key_name("Web_2-b"));
  EXPECT_TRUE(is_key_name(std::string(64, 'x')));
  for (const std::string& name : {std::string(), std::string(65, 'x'), std::string("a.b"),
                                  std::string("a b"), std::string("a\nb"), std::string("\xc3\xa4"),
                                  std::string("a\0b", 3), std::string("sjk_x")}) {
    EXPECT_FALSE(is_key_name(name)) << name;
  }
}

TEST(Scopes, AreASetOfNames) {
  Scopes scopes;
  EXPECT_TRUE(scopes.empty());
  scopes.add(Scope::events);
  scopes.add(Scope::admin);
  EXPECT_TRUE(scopes.has(Scope::events) && scopes.has(Scope::admin));
  EXPECT_FALSE(scopes.has(Scope::read) || scopes.has(Scope::write) || scopes.has(Scope::end));
  EXPECT_EQ(scope_named("write"), Scope::write);
  EXPECT_EQ(scope_named("Write"), std::nullopt);
  EXPECT_EQ(scope_named(""), std::nullopt);
  EXPECT_EQ(all_scope_names(), "read, write, end, events and admin");
}

}  // namespace
}  // namespace sojourn::access
