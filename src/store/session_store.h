// The contract between the rules and whatever keeps the sessions.
//
// A store is dumb: it keeps sessions, and it commits changes that were decided elsewhere. All rules
// (who may change what, what is expired) live in domain/ and are applied by sessions/. Every store
// passes the conformance suite in store/testing/conformance.h.
#pragma once

#include <optional>

#include "base/error.h"
#include "base/task.h"
#include "domain/lifecycle.h"
#include "domain/session.h"

namespace sojourn::store {

enum class CommitOutcome {
  committed,
  // The stored session is not `before`: someone else was first. Nothing was changed by this call.
  // What won the race can be read when this answer arrives, and is durable by then.
  conflict,
};

// One thread's access to a store. Every thread makes an object of its own; all of them see the same
// data. Calls come from that thread only, and every Task is resumed on it. The arguments of a call
// must live until its Task is done. The object outlives its Tasks.
//
// Durable means: survives the death of the process and, with the default durability, of the
// machine. What a read shows is always durable, so no answer made from it can be taken back.
//
// Errors of any call: store_unavailable (the store cannot tell; never to be read as "absent"),
// overloaded (too much is waiting; nothing was done).
class SessionStore {
 public:
  virtual ~SessionStore() = default;

  // The session as last committed, expired or not. Absent when it was never created, or is over:
  // the store keeps no memory of sessions that are over, and ids are never used twice. A session of
  // another tenant is absent. A record that is damaged is store_unavailable, never absent and never
  // another session.
  virtual Task<Result<std::optional<domain::Session>>> get(const domain::TenantId& tenant,
                                                           const domain::SessionId& id) = 0;

  // Makes `change` durable as one atomic step, if and only if the stored session still equals
  // change.before in every member (absent: no session of that id is stored). Everything derived
  // from sessions (indexes, counts, the event) changes in the same step. Changes of one session are
  // committed in one order, the same for every reader.
  //
  // The Task is done when the outcome is durable and every later get(), from any thread, shows it.
  // Errors, of which each leaves the stored session as it was: store_full (no room for this change;
  // reads go on), store_unavailable (after a write that may or may not have reached the disk, the
  // store acknowledges nothing more until it is opened anew, and the change may be found then).
  virtual Task<Result<CommitOutcome>> commit(const domain::Change& change) = 0;
};

}  // namespace sojourn::store
