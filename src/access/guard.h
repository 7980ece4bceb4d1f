// Asks callers for an API key: Authorization: Bearer (RFC 6750).
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "access/key_hasher.h"
#include "access/key_ring.h"
#include "base/clock.h"
#include "base/error.h"
#include "http/message.h"

namespace sojourn::access {

// Why a caller may not pass.
struct Refusal {
  Error error;            // unauthenticated, forbidden, or invalid_header
  std::string challenge;  // for WWW-Authenticate (RFC 6750 3); empty: the field is not sent
};

// The API keys as one loop sees them. One thread. Without keys it is open: nobody is asked.
class Guard {
 public:
  explicit Guard(const Clock& clock) : clock_(clock) {}

  // From now on these keys are accepted and no others. Null: nobody is asked.
  void use(std::shared_ptr<const KeyRing> keys);

  bool is_open() const { return keys_ == nullptr; }

  // Which key the request shows. Not when open. Notes its name in request.caller. The pointer is
  // valid until use() is called: use it before you wait for anything.
  //
  // No key, another scheme, a key that is not known or over: unauthenticated. More than one
  // Authorization field: invalid_header. A key elsewhere, such as in the query, is not looked at
  // (RFC 6750 5.3: it would end up in logs).
  std::expected<const ApiKey*, Refusal> identify(http::Request& request);

  // For what lasts longer than a request: may the caller with this key (absent: none was asked for)
  // still do this?
  bool still_permits(const std::optional<Digest>& key, Scope scope,
                     const domain::TenantId& tenant) const;

 private:
  const Clock& clock_;
  std::shared_ptr<const KeyRing> keys_;
  std::optional<KeyHasher> hasher_;  // when there are keys
};

// The refusals of a caller who is known: forbidden. They say nothing of what there is.
Refusal missing_scope(Scope needed);
Refusal wrong_tenant();

}  // namespace sojourn::access
