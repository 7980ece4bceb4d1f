#include "tables.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <span>

#include "encoding/bytes.h"

namespace sojourn::lmdb {
namespace {

using domain::IdentityAttribute;

constexpr uint64_t kSignBit = uint64_t{1} << 63;

}  // namespace

std::string expiry_key(Time filed, FiledKind kind, std::string_view filed_key) {
  std::string key;
  key.reserve(8 + 1 + filed_key.size());
  encoding::append_number(key, encoding::bits_of(filed) ^ kSignBit);
  encoding::append_number(key, static_cast<uint8_t>(kind));
  key.append(filed_key);
  return key;
}

std::string event_key(std::string_view tenant_prefix, uint64_t number) {
  std::string key;
  key.reserve(tenant_prefix.size() + 8);
  key.append(tenant_prefix);
  encoding::append_number(key, number);
  return key;
}

std::string after_all_events(std::string_view tenant_prefix) {
  return std::string(tenant_prefix).append(9, '\xFF');
}

std::string index_state_name(IdentityAttribute attribute) {
  return "index." + std::to_string(encoding::number_of(attribute));
}

std::optional<ExpiryKey> parsed_expiry_key(std::string_view key) {
  if (key.size() < 9) return std::nullopt;
  const auto kind = static_cast<FiledKind>(key[8]);
  if (kind != FiledKind::session && kind != FiledKind::idempotency) return std::nullopt;
  return ExpiryKey{encoding::time_of(encoding::number_at<uint64_t>(key.data()) ^ kSignBit), kind,
                   key.substr(9)};
}

std::optional<EventKey> parsed_event_key(std::string_view key) {
  auto tenant = encoding::take_tenant(key);
  if (!tenant || key.size() != 8) return std::nullopt;
  return EventKey{*std::move(tenant), encoding::number_at<uint64_t>(key.data())};
}

std::string encoded(const domain::Counts& counts) {
  std::string value;
  encoding::append_number(value, counts.named);
  encoding::append_number(value, counts.anonymous);
  return value;
}

std::optional<domain::Counts> decoded_counts(std::string_view value) {
  if (value.size() != 16) return std::nullopt;
  return domain::Counts{encoding::number_at<uint64_t>(value.data()),
                        encoding::number_at<uint64_t>(value.data() + 8)};
}

}  // namespace sojourn::lmdb
