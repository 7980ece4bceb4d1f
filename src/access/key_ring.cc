#include "access/key_ring.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <toml++/toml.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "base/text.h"

namespace sojourn::access {
namespace {

constexpr std::string_view kExample =
    R"(web = { sha256 = "...", tenants = ["1", "2"], scopes = ["read", "write"] })";
constexpr std::string_view kExpiryWanted =
    "a date with a time and an offset is wanted, such as 2027-01-01T00:00:00Z";

using Taken = std::expected<void, std::string>;

std::unexpected<std::string> wrong(std::string what) { return std::unexpected(std::move(what)); }

Taken take_sha256(ApiKey& key, const toml::node& node) {
  const auto* text = node.as_string();
  if (text && text->get().size() == 2 * key.sha256.size()) {
    bool fine = true;
    for (size_t i = 0; i < key.sha256.size(); ++i) {
      const int high = hex_digit(text->get()[2 * i]);
      const int low = hex_digit(text->get()[2 * i + 1]);
      fine = fine && high >= 0 && low >= 0;
      key.sha256[i] = static_cast<uint8_t>(high << 4 | low);
    }
    if (fine) return {};
  }
  return wrong("the 64 hexadecimal digits of the key's SHA-256 are wanted, in quotes");
}

Taken take_tenants(ApiKey& key, const toml::node& node) {
  if (const auto* text = node.as_string(); text && text->get() == "*") {
    key.tenants.reset();
    return {};
  }
  const auto wanted = [] {
    return wrong(
        "a list of tenants is wanted, such as [\"1\", \"2\"], or \"*\" alone for all; a tenant is "
        "1 to 128 bytes of UTF-8 without control characters");
  };
  const auto* list = node.as_array();
  if (!list || list->empty()) return wanted();
  key.tenants.emplace();
  for (const toml::node& one : *list) {
    const auto* text = one.as_string();
    if (!text || text->get() == "*") return wanted();
    auto tenant = domain::TenantId::parse(text->get());
    if (!tenant) return wanted();
    key.tenants->insert(*std::move(tenant));
  }
  return {};
}

Taken take_scopes(ApiKey& key, const toml::node& node) {
  const auto* list = node.as_array();
  bool fine = list && !list->empty();
  for (size_t i = 0; fine && i < list->size(); ++i) {
    const auto* text = list->get(i)->as_string();
    const auto scope = text ? scope_named(text->get()) : std::nullopt;
    if (scope) key.scopes.add(*scope);
    fine = scope.has_value();
  }
  if (fine) return {};
  return wrong(fmt::format("a list of some of {} is wanted, such as [\"read\", \"write\"]",
                           all_scope_names()));
}

Taken take_expires(ApiKey& key, const toml::node& node) {
  using namespace std::chrono;
  const auto* given = node.as_date_time();
  if (!given || !given->get().offset) return wrong(std::string(kExpiryWanted));
  const toml::date_time& at = given->get();
  const sys_days day = year(at.date.year) / month(at.date.month) / std::chrono::day(at.date.day);
  const Time expires = day + hours(at.time.hour) + minutes(at.time.minute) +
                       seconds(at.time.second) + floor<Duration>(nanoseconds(at.time.nanosecond)) -
                       minutes(at.offset->minutes);
  // An offset can lead out of the years that four digits write.
  if (expires < sys_days(year(0) / 1 / 1) || expires >= sys_days(year(10'000) / 1 / 1)) {
    return wrong(std::string(kExpiryWanted));
  }
  key.expires = expires;
  return {};
}

using Take = Taken (*)(ApiKey&, const toml::node&);
constexpr std::pair<std::string_view, Take> kMembers[] = {{"sha256", take_sha256},
                                                          {"tenants", take_tenants},
                                                          {"scopes", take_scopes},
                                                          {"expires", take_expires}};

std::expected<ApiKey, std::string> read_key(std::string_view name, const toml::node& node) {
  if (!is_key_name(name)) {
    return wrong(fmt::format(
        "a key's name is 1 to {} letters, digits, '_' and '-', and does not begin with \"{}\"",
        kMaxKeyNameBytes, kKeyPrefix));
  }
  const auto* table = node.as_table();
  if (!table || !table->is_inline()) {
    return wrong(fmt::format("write each key on one line, such as {}", kExample));
  }
  ApiKey key{.name = std::string(name)};
  for (const auto& [member, value] : *table) {
    const auto* known =
        std::ranges::find(kMembers, member.str(), &std::pair<std::string_view, Take>::first);
    if (known == std::end(kMembers)) {
      return wrong(
          fmt::format("{} has a member that is none of sha256, tenants, scopes and expires", name));
    }
    if (auto taken = known->second(key, value); !taken) {
      return wrong(fmt::format("bad value for {}.{}: {}", name, known->first, taken.error()));
    }
  }
  for (const char* needed : {"sha256", "tenants", "scopes"}) {
    if (table->contains(needed)) continue;
    return wrong(fmt::format("{} lacks {}; a line looks like {}", name, needed, kExample));
  }
  return key;
}

uint64_t beginning(const Digest& sha256) {
  uint64_t begin = 0;
  std::memcpy(&begin, sha256.data(), sizeof begin);
  return begin;
}

}  // namespace

KeyRing::KeyRing(std::vector<ApiKey> keys) : keys_(std::move(keys)) {
  places_.reserve(keys_.size());
  for (const ApiKey& key : keys_) {
    places_.push_back({beginning(key.sha256), static_cast<uint32_t>(places_.size())});
  }
  std::ranges::sort(places_, {}, &Place::hash_begin);
}

std::expected<KeyRing, std::string> KeyRing::parse(std::string_view text, std::string_view place) {
  std::vector<ApiKey> keys;
  std::map<Digest, std::string> names;
  try {
    const toml::table table = toml::parse(text, place);
    for (const auto& [name, node] : table) {
      const auto complaint = [&, line = name.source().begin.line](const std::string& what) {
        return std::unexpected(fmt::format("{}:{}: {}", place, line, what));
      };
      auto key = read_key(name.str(), node);
      if (!key) return complaint(key.error());
      const auto [other, is_first] = names.try_emplace(key->sha256, key->name);
      if (!is_first) {
        return complaint(fmt::format("{} and {} are the same key; give each caller its own",
                                     other->second, key->name));
      }
      if (keys.size() == kMaxKeys) {
        return complaint(fmt::format("more than {} keys; remove some that are over", kMaxKeys));
      }
      keys.push_back(*std::move(key));
    }
  } catch (const toml::parse_error& error) {
    // Some descriptions repeat a name, and a key may stand where a name should.
    const std::string_view description = error.description();
    return std::unexpected(fmt::format(
        "{}:{}: {}", place, error.source().begin.line,
        description.contains(kKeyPrefix) ? "a name is wanted, not a key" : description));
  }
  return KeyRing(std::move(keys));
}

// In constant time by construction: what is compared is not what the caller chose but its SHA-256,
// so how far a comparison gets says nothing about how near the key was, and to aim at a hash one
// would have to invert it. Beyond that, all 32 bytes are compared whatever they are
// (CRYPTO_memcmp); only the 8 by which the place is found are not.
const ApiKey* KeyRing::find(const Digest& sha256) const {
  const auto same = std::ranges::equal_range(places_, beginning(sha256), {}, &Place::hash_begin);
  for (const Place& place : same) {
    const ApiKey& key = keys_[place.key];
    if (CRYPTO_memcmp(key.sha256.data(), sha256.data(), sha256.size()) == 0) return &key;
  }
  return nullptr;
}

std::string key_line(const ApiKey& key) {
  std::string line = key.name + " = { sha256 = \"";
  for (const uint8_t byte : key.sha256) fmt::format_to(std::back_inserter(line), "{:02x}", byte);
  line += "\", tenants = ";
  if (key.tenants) {
    char before = '[';
    for (const domain::TenantId& tenant : *key.tenants) {
      line.push_back(before);
      if (before == ',') line.push_back(' ');
      append_json_string(line, tenant.text());  // TOML's basic strings have the same escapes
      before = ',';
    }
    line.push_back(']');
  } else {
    line += "\"*\"";
  }
  line += ", scopes = [";
  for (const Scope scope : {Scope::read, Scope::write, Scope::end, Scope::events, Scope::admin}) {
    if (!key.scopes.has(scope)) continue;
    if (line.back() != '[') line += ", ";
    fmt::format_to(std::back_inserter(line), "\"{}\"", name_of(scope));
  }
  line += ']';
  if (key.expires) {
    line += ", expires = ";
    append_rfc3339(line, *key.expires);
  }
  line += " }\n";
  return line;
}

std::expected<Time, std::string> parse_expiry(std::string_view text) {
  if (text.find_first_of("\r\n") == std::string_view::npos) {
    try {
      ApiKey key;
      const toml::table table = toml::parse("expires = " + std::string(text));
      if (auto taken = take_expires(key, *table.get("expires")); taken) return *key.expires;
    } catch (const toml::parse_error&) {
      // said below
    }
  }
  return std::unexpected(std::string(kExpiryWanted));
}

}  // namespace sojourn::access
