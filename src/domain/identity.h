// Who a session belongs to, as far as is known.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace sojourn::domain {

// The four identity attributes of the published API. Each is up to 256 bytes of UTF-8; empty means
// absent, on the wire as here.
struct Identity {
  static constexpr size_t kMaxBytes = 256;

  std::string agent_id;
  std::string customer_id;
  std::string visit_id;
  std::string global_visit_id;

  // The published API: a session is "named or anonymous (agentId, customerId, visitId not
  // provided)". globalVisitId does not name it.
  bool anonymous() const { return agent_id.empty() && customer_id.empty() && visit_id.empty(); }

  friend bool operator==(const Identity&, const Identity&) = default;
};

// Whether an attribute can have this value: up to 256 bytes of UTF-8 without control characters,
// trimmed by whoever reads it. Empty can, and means absent.
bool is_identity_value(std::string_view text);

// One of the four. Sessions can be found by those that are indexed (option sessions.index).
enum class IdentityAttribute { agent_id, customer_id, visit_id, global_visit_id };

const std::string& value_of(const Identity& identity, IdentityAttribute attribute);

// An attribute and the value it is to have.
struct AttributeValue {
  IdentityAttribute attribute;
  std::string value;
};

// The attributes of `current`, replaced by those present in `given`; those not given stay.
Identity merged(const Identity& current, const Identity& given);

}  // namespace sojourn::domain
