#include "session_record.h"

#include <algorithm>

#include "encoding/keys.h"
#include "encoding/session_body.h"
#include "keys.h"

namespace sojourn::redis {
namespace {

constexpr uint8_t kVersion = 1;

}  // namespace

std::string record_of(std::string_view name, const domain::Session& session) {
  const std::string body = encoding::encoded_body(session);
  std::string record(body.size() + encoding::kSealBytes, '\0');
  std::ranges::copy(body, record.begin() + 1);
  encoding::seal(name, kVersion, record.data(), body.size());
  return record;
}

Result<domain::Session> session_in(std::string_view record, const domain::TenantId& tenant,
                                   const domain::SessionId& id, Log& log) {
  const encoding::SessionKeyBytes name(tenant, id);
  const auto body = encoding::unsealed(name.view(), kVersion, record);
  auto fault = encoding::RecordFault::damaged;
  if (body) {
    auto session = encoding::decoded_body(*body, tenant, id);
    if (session) return *std::move(session);
    fault = session.error();
  } else {
    fault = body.error();
  }
  const bool newer = fault == encoding::RecordFault::newer;
  log.write(LogLevel::error, "store.record_damaged",
            newer ? "A session is stored in a newer format; update this server."
                  : "A session's record is damaged; it is not shown.",
            {{"session", id.masked()}});
  return failure(ErrorKind::store_unavailable, newer ? "This session is stored in a newer format."
                                                     : "This session's record is damaged.");
}

Task<Result<std::optional<domain::Session>>> session_of(Servers& servers,
                                                        const domain::TenantId& tenant,
                                                        const domain::SessionId& id) {
  const encoding::SessionKeyBytes name(tenant, id);
  const size_t shard = shard_of(name.view());
  const auto reply = co_await servers.call(Effect::read, shard,
                                           words("GET", key_in(shard, "session", name.view())));
  if (!reply) co_return std::unexpected(reply.error());
  if (reply->kind == Reply::Kind::nil) co_return std::nullopt;
  auto session = session_in(reply->text, tenant, id, servers.log());
  if (!session) co_return std::unexpected(std::move(session.error()));
  co_return *std::move(session);
}

}  // namespace sojourn::redis
