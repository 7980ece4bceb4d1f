// The rules a tenant's sessions live by. Options: sessions.*.
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "base/rate.h"

namespace sojourn::domain {

enum class OnUnknownId { create, not_found };
enum class OnCustomerConflict { reject, replace };

struct Policy {
  // A session ends when it was not used for this long. 1 ms to 10 years. Whoever protects
  // high-value actions shortens it (OWASP: 2 to 5 minutes; NIST SP 800-63B-4 2.2.3: at most 1 hour
  // at AAL2).
  Duration idle_timeout = std::chrono::minutes(30);

  // A session ends this long after its creation, used or not. 1 ms to 10 years. NIST SP 800-63B-4
  // 2.2.3: at most 24 hours at AAL2, 2.3.3: 12 hours at AAL3.
  Duration max_lifetime = std::chrono::hours(24);

  // An access is written down only when it moves expiresAt by at least this. 0 writes every access;
  // less than idle_timeout. A session may end up to this much earlier than its idle time after the
  // last access, never before the expiresAt that was shown.
  Duration touch_interval = std::chrono::minutes(1);

  // What GET and POST do with an id that is not known (or no longer): a new session with an id of
  // its own, as the published API has it, or 404.
  OnUnknownId on_unknown_id = OnUnknownId::create;

  // What POST does with another customerId on a session that has one.
  OnCustomerConflict on_customer_conflict = OnCustomerConflict::reject;

  // How many live sessions the tenant may have; one more is quota_exceeded. 0: as many as the store
  // holds.
  size_t max_sessions = 0;

  // How many requests of a tenant are answered, and how many sessions it may begin, asked for or by
  // themselves. Beyond: rate_limited.
  Rate requests;
  Rate creates;

  // The touch_interval of a policy that names none.
  static constexpr Duration default_touch_interval(Duration idle_timeout) {
    return idle_timeout / 30;
  }
};

}  // namespace sojourn::domain
