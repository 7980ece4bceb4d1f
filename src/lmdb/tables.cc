#include "tables.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <span>

#include "bytes.h"

namespace sojourn::lmdb {
namespace {

using domain::SessionId;
using domain::TenantId;

constexpr uint64_t kSignBit = uint64_t{1} << 63;

void append_tenant(std::string& out, const TenantId& tenant) {
  append_number(out, static_cast<uint8_t>(tenant.text().size()));
  out.append(tenant.text());
}

void append_id(std::string& out, const SessionId& id) {
  out.append(reinterpret_cast<const char*>(id.bytes().data()), SessionId::kBytes);
}

SessionId id_at(const char* bytes) {
  return SessionId::from_bytes(std::span<const uint8_t, SessionId::kBytes>(
      reinterpret_cast<const uint8_t*>(bytes), SessionId::kBytes));
}

// Takes the tenant off the front of `key`.
std::optional<TenantId> take_tenant(std::string_view& key) {
  if (key.empty()) return std::nullopt;
  const size_t size = static_cast<uint8_t>(key[0]);
  if (key.size() < 1 + size) return std::nullopt;
  auto tenant = TenantId::parse(std::string(key.substr(1, size)));
  if (!tenant) return std::nullopt;
  key.remove_prefix(1 + size);
  return *std::move(tenant);
}

}  // namespace

const std::string& value_of(const domain::Identity& identity, Attribute attribute) {
  switch (attribute) {
    case Attribute::agent_id:
      return identity.agent_id;
    case Attribute::customer_id:
      return identity.customer_id;
    case Attribute::visit_id:
      return identity.visit_id;
    case Attribute::global_visit_id:
      break;
  }
  return identity.global_visit_id;
}

SessionKeyBytes::SessionKeyBytes(const TenantId& tenant, const SessionId& id) {
  const std::string& name = tenant.text();
  char* out = bytes_.data();
  *out++ = static_cast<char>(static_cast<uint8_t>(name.size()));
  out = std::copy(name.begin(), name.end(), out);
  std::memcpy(out, id.bytes().data(), SessionId::kBytes);
  size_ = 1 + name.size() + SessionId::kBytes;
}

std::string index_key(const TenantId& tenant, Attribute attribute, std::string_view value,
                      const SessionId& id) {
  assert(!value.empty() && value.size() <= domain::Identity::kMaxBytes);
  std::string key;
  key.reserve(1 + tenant.text().size() + 3 + value.size() + SessionId::kBytes);
  append_tenant(key, tenant);
  append_number(key, static_cast<uint8_t>(attribute));
  append_number(key, static_cast<uint16_t>(value.size()));
  key.append(value);
  append_id(key, id);
  return key;
}

std::string expiry_key(Time filed, std::string_view session_key) {
  std::string key;
  key.reserve(8 + session_key.size());
  append_number(key, bits_of(filed) ^ kSignBit);
  key.append(session_key);
  return key;
}

std::string counts_key(const TenantId& tenant) {
  std::string key;
  append_tenant(key, tenant);
  return key;
}

std::optional<SessionKey> parsed_session_key(std::string_view key) {
  auto tenant = take_tenant(key);
  if (!tenant || key.size() != SessionId::kBytes) return std::nullopt;
  return SessionKey{*std::move(tenant), id_at(key.data())};
}

std::optional<IndexKey> parsed_index_key(std::string_view key) {
  auto tenant = take_tenant(key);
  if (!tenant || key.size() < 3) return std::nullopt;
  const auto attribute = static_cast<uint8_t>(key[0]);
  if (attribute < 1 || attribute > 4) return std::nullopt;
  const size_t size = number_at<uint16_t>(key.data() + 1);
  if (size == 0 || key.size() != 3 + size + SessionId::kBytes) return std::nullopt;
  return IndexKey{{*std::move(tenant), id_at(key.data() + 3 + size)},
                  static_cast<Attribute>(attribute),
                  key.substr(3, size)};
}

std::optional<ExpiryKey> parsed_expiry_key(std::string_view key) {
  if (key.size() < 8) return std::nullopt;
  return ExpiryKey{time_of(number_at<uint64_t>(key.data()) ^ kSignBit), key.substr(8)};
}

std::string encoded(const Counts& counts) {
  std::string value;
  append_number(value, counts.named);
  append_number(value, counts.anonymous);
  return value;
}

std::optional<Counts> decoded_counts(std::string_view value) {
  if (value.size() != 16) return std::nullopt;
  return Counts{number_at<uint64_t>(value.data()), number_at<uint64_t>(value.data() + 8)};
}

}  // namespace sojourn::lmdb
