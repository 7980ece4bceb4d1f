// The events of a tenant as they happen.
#pragma once

#include <optional>
#include <string>

#include "api/api.h"
#include "domain/tenant_id.h"
#include "http/message.h"

namespace sojourn::api {

// Server-sent events (WHATWG HTML, 9.2): every event after `after` (as sessions::read_events has
// it), then each new one soon after it is committed, and a comment when there is nothing to say for
// a while. A message `gap` comes where events are missing: at the beginning, or when they were
// removed before the client has taken them. What the client has not taken is not read from the log,
// so a slow client costs no memory. Ends when the store cannot read, and when the caller's key is
// over, removed or no longer for this; the client connects again with Last-Event-ID.
class EventStream final : public http::BodyStream {
 public:
  // `key`: whose the stream is; absent when nobody was asked for a key.
  EventStream(Api& api, domain::TenantId tenant, std::optional<uint64_t> after,
              std::optional<access::Digest> key);

  ~EventStream() override { api_.streams.closed.add(); }

  Task<Step> next(std::string& out) override;

 private:
  Api& api_;
  domain::TenantId tenant_;
  std::optional<uint64_t> after_;
  const std::optional<access::Digest> key_;
  Duration silent_{0};     // since something was sent
  bool sent_gap_ = false;  // and nothing since
};

}  // namespace sojourn::api
