#include "encoding/keys.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <span>

#include "encoding/bytes.h"

namespace sojourn::encoding {
namespace {

using domain::IdentityAttribute;
using domain::SessionId;
using domain::TenantId;

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

}  // namespace

uint8_t number_of(IdentityAttribute attribute) {
  switch (attribute) {
    case IdentityAttribute::agent_id:
      return 1;
    case IdentityAttribute::customer_id:
      return 2;
    case IdentityAttribute::visit_id:
      return 3;
    case IdentityAttribute::global_visit_id:
      break;
  }
  return 4;
}

std::optional<IdentityAttribute> attribute_of(uint8_t number) {
  for (const IdentityAttribute attribute : kAttributes) {
    if (number_of(attribute) == number) return attribute;
  }
  return std::nullopt;
}

std::string_view name_of(IdentityAttribute attribute) {
  switch (attribute) {
    case IdentityAttribute::agent_id:
      return "agentId";
    case IdentityAttribute::customer_id:
      return "customerId";
    case IdentityAttribute::visit_id:
      return "visitId";
    case IdentityAttribute::global_visit_id:
      break;
  }
  return "globalVisitId";
}

SessionKeyBytes::SessionKeyBytes(const TenantId& tenant, const SessionId& id) {
  const std::string& name = tenant.text();
  char* out = bytes_.data();
  *out++ = static_cast<char>(static_cast<uint8_t>(name.size()));
  out = std::copy(name.begin(), name.end(), out);
  std::memcpy(out, id.bytes().data(), SessionId::kBytes);
  size_ = 1 + name.size() + SessionId::kBytes;
}

std::string tenant_prefix(const TenantId& tenant) {
  std::string key;
  append_tenant(key, tenant);
  return key;
}

std::string index_prefix(const TenantId& tenant, IdentityAttribute attribute,
                         std::string_view value) {
  assert(!value.empty() && value.size() <= domain::Identity::kMaxBytes);
  std::string key;
  key.reserve(1 + tenant.text().size() + 3 + value.size() + SessionId::kBytes);
  append_tenant(key, tenant);
  append_number(key, number_of(attribute));
  append_number(key, static_cast<uint16_t>(value.size()));
  key.append(value);
  return key;
}

std::string index_key(const TenantId& tenant, IdentityAttribute attribute, std::string_view value,
                      const SessionId& id) {
  std::string key = index_prefix(tenant, attribute, value);
  append_id(key, id);
  return key;
}

std::string idempotency_key(const TenantId& tenant, std::string_view key) {
  assert(!key.empty() && key.size() <= domain::kMaxFiledKeyBytes);
  return tenant_prefix(tenant).append(key);
}

std::optional<TenantId> take_tenant(std::string_view& key) {
  if (key.empty()) return std::nullopt;
  const size_t size = static_cast<uint8_t>(key[0]);
  if (key.size() < 1 + size) return std::nullopt;
  auto tenant = TenantId::parse(std::string(key.substr(1, size)));
  if (!tenant) return std::nullopt;
  key.remove_prefix(1 + size);
  return *std::move(tenant);
}

std::optional<SessionKey> parsed_session_key(std::string_view key) {
  auto tenant = take_tenant(key);
  if (!tenant || key.size() != SessionId::kBytes) return std::nullopt;
  return SessionKey{*std::move(tenant), id_at(key.data())};
}

std::optional<IndexKey> parsed_index_key(std::string_view key) {
  auto tenant = take_tenant(key);
  if (!tenant || key.size() < 3) return std::nullopt;
  const auto attribute = attribute_of(static_cast<uint8_t>(key[0]));
  if (!attribute) return std::nullopt;
  const size_t size = number_at<uint16_t>(key.data() + 1);
  if (size == 0 || key.size() != 3 + size + SessionId::kBytes) return std::nullopt;
  return IndexKey{
      {*std::move(tenant), id_at(key.data() + 3 + size)}, *attribute, key.substr(3, size)};
}

std::optional<IdempotencyKey> parsed_idempotency_key(std::string_view key) {
  auto tenant = take_tenant(key);
  if (!tenant || key.empty() || key.size() > domain::kMaxFiledKeyBytes) return std::nullopt;
  return IdempotencyKey{*std::move(tenant), key};
}

}  // namespace sojourn::encoding
