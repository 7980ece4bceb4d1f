#include "encoding/fault.h"

#include <algorithm>
#include <cstdint>

namespace sojourn::encoding {
namespace {

using domain::Session;

bool within_limits(const domain::Identity& identity, const std::string& attributes) {
  return std::max({identity.agent_id.size(), identity.customer_id.size(), identity.visit_id.size(),
                   identity.global_visit_id.size()}) <= domain::Identity::kMaxBytes &&
         attributes.size() <= UINT32_MAX;
}

bool within_limits(const domain::Change& change) {
  for (const auto* side : {&change.before, &change.after}) {
    if (*side && !within_limits((*side)->identity, (*side)->attributes)) return false;
  }
  if (const auto& event = change.event) {
    return within_limits(event->from.identity, event->from.attributes) &&
           within_limits(event->to.identity, event->to.attributes);
  }
  return true;
}

}  // namespace

std::string fault_of(const domain::Change& change) {
  const Session* session = change.before  ? &*change.before
                           : change.after ? &*change.after
                                          : nullptr;
  if (!session && change.event) return "An event is about no session.";
  if (!session && !change.idempotency) return "A change changes nothing.";
  if (change.before && change.after &&
      (change.before->id != change.after->id || change.before->tenant != change.after->tenant)) {
    return "A change is about two sessions.";
  }
  if (change.event &&
      (change.event->session != session->id || change.event->tenant != session->tenant)) {
    return "An event is about another session than its change.";
  }
  if (!within_limits(change)) return "A session is larger than the store takes.";
  if (const auto& key = change.idempotency) {
    if (key->key.empty() || key->key.size() > domain::kMaxFiledKeyBytes) {
      return "An idempotency key is empty or longer than the store takes.";
    }
  }
  return {};
}

}  // namespace sojourn::encoding
