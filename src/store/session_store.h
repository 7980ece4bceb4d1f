// The contract between the rules and whatever keeps the sessions.
//
// A store is dumb: it keeps sessions, and it commits changes that were decided elsewhere. All rules
// (who may change what, what is expired) live in domain/ and are applied by sessions/. Every store
// passes the conformance suite in store/testing/conformance.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/task.h"
#include "domain/lifecycle.h"
#include "domain/session.h"
#include "store/page_budget.h"

namespace sojourn::store {

enum class CommitOutcome {
  committed,
  // What is stored is not `before`: someone else was first. Nothing was changed by this call. What
  // won the race can be read when this answer arrives, and is durable by then.
  conflict,
};

// Which sessions to find: those of a tenant, or those of it that have a value.
struct Query {
  domain::TenantId tenant;
  std::optional<domain::AttributeValue> where;
  // Only ids below this one: the last id of the page before. Absent: from the newest.
  std::optional<domain::SessionId> below;
  // The page ends with the entry that reaches either (page_budget.h); both are at least 1.
  size_t limit = 50;
  size_t bytes = kPageBytes;
};

struct SessionPage {
  std::vector<domain::Session> sessions;  // newest first: by id, descending; expired ones too
  bool more = false;                      // there are further ones below the last
};

// Which events of a tenant to read.
struct EventQuery {
  domain::TenantId tenant;
  // Those after this place of the log; 0: from its very beginning. Absent: from the oldest that is
  // kept.
  std::optional<uint64_t> after;
  size_t limit = 100;  // as for sessions
  size_t bytes = kPageBytes;
};

// How long the log of a tenant without events knows where it ended: longer than sessions live that
// its events told of (docs/decisions/0011-event-numbers-and-gaps.md).
inline constexpr Duration kMarkKept = std::chrono::hours(24 * 400);

// Something whose time may be over: a session, or an idempotency key.
struct Due {
  Time filed_at;
  domain::TenantId tenant;
  std::variant<domain::SessionId, std::string> what;
};

// One thread's access to a store. Every thread makes an object of its own; all of them see the same
// data. Calls come from that thread only, and every Task is resumed on it. The arguments of a call
// must live until its Task is done. The object outlives its Tasks.
//
// Durable means: survives the death of the process and, with the default durability, of the
// machine. What a read shows is always durable, so no answer made from it can be taken back. (Of a
// store that is spread over machines: as durable as those are set to be; its documents say what
// each setting can lose.) A read of one session or key sees one moment; a read of many sees each of
// them at a moment during the call. No read holds on to anything between calls.
//
// Several processes may share a store. What is said of threads here holds for theirs too, but for
// due() and trim_events().
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
  // change.before in every member (absent: no session of that id is stored), and, when the change
  // has an idempotency part, the stored entry of that key equals its `before`. Everything derived
  // from sessions (indexes, counts, what is due) and the event change in the same step. Changes of
  // one session are committed in one order, the same for every reader and for the event log.
  // (Before the Task is done, or when it never is because its process died, the event may follow
  // the rest a moment later; it is never lost, nor out of this order.) With Change::Logging::off
  // everything is the same, but that the event is removed from the log at once.
  //
  // The Task is done when the outcome is durable and every later read, from any thread, shows it.
  // Errors, of which each leaves what is stored as it was: store_full (no room for this change;
  // reads go on), store_unavailable (the change may be found later, when it was not known whether a
  // write was made; a store whose disk failed acknowledges nothing more until it is opened anew).
  virtual Task<Result<CommitOutcome>> commit(const domain::Change& change) = 0;

  // A page of sessions, newest first. Its cost depends on the page, not on how many there are. A
  // session that is stored during a whole walk (each page from below the last id of the one before)
  // and keeps matching is found exactly once. invalid_parameter when the attribute is not indexed.
  virtual Task<Result<SessionPage>> find(const Query& query) = 0;

  // The sessions of a tenant that are stored, expired or not, exactly. Its cost does not depend on
  // how many there are.
  virtual Task<Result<domain::Counts>> count(const domain::TenantId& tenant) = 0;

  // What was filed for `now` or before, the earliest first, of all tenants; when far more is due
  // than `limit`, some of the earliest. A session is filed at its creation for its expiresAt then,
  // and anew by Change::Expiry::refile: so it may be found although its time is not over, but one
  // whose time is over is always found. What another process filed is found when this is called
  // some more times. What is in a part of the store that cannot be asked is left out, and found
  // once it can; an error when no part can.
  virtual Task<Result<std::vector<Due>>> due(Time now, size_t limit) = 0;

  // What an idempotency key was used for. Absent: never, or forgotten.
  virtual Task<Result<std::optional<domain::IdempotencyEntry>>> idempotency_entry(
      const domain::TenantId& tenant, const std::string& key) = 0;

  // A page of the events of a tenant, in the order of their commits. Events that are committed
  // later come later, so a reader that goes on from EventPage::next() misses none and sees none
  // twice.
  //
  // The page begins after query.after when that is a place of the log. If it is none, the page has
  // a gap: the place is older than the mark, and the page begins at the mark; or it is of another
  // log, or of a future that this log does not have, and the page begins at the last place before
  // it.
  virtual Task<Result<domain::EventPage>> events(const EventQuery& query) = 0;

  // Removes events from before `time`, the oldest of each tenant first, and those that a change
  // with Logging::off has cut off; at most `limit`. Returns how many; fewer than `limit` means
  // there are no more, but for what other processes committed lately. Time::max() empties all logs.
  //
  // The mark of a log that has no events is forgotten kMarkKept after its time.
  virtual Task<Result<size_t>> trim_events(Time time, size_t limit) = 0;
};

}  // namespace sojourn::store
