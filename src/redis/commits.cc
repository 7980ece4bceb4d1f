#include "commits.h"

#include <span>

#include "encoding/event_record.h"
#include "encoding/fault.h"
#include "encoding/keys.h"
#include "keys.h"
#include "session_record.h"

namespace sojourn::redis {
namespace {

using domain::Session;
using store::CommitOutcome;

// How often a commit waits for, and finishes, others with the same key before it is refused.
constexpr int kMaxOthers = 100;
// How long a commit with a key may take from its first step on; then it counts as given up.
constexpr char kMarkerLife_ms[] = "60000";

// Places in the arguments of scripts/commit.lua.
constexpr size_t kEventArgument = 8;
constexpr size_t kArguments = 10;

std::string decimal(Time time) { return std::to_string(time.time_since_epoch().count()); }

const Session& subject_of(const domain::Change& change) {
  return change.before ? *change.before : *change.after;
}

std::string name_of_session(const Session& session) {
  return std::string(encoding::SessionKeyBytes(session.tenant, session.id).view());
}

std::string list_of(const std::optional<Session>& session) {
  if (!session) return {};
  return session->identity.anonymous() ? "a" : "n";
}

// Whether the change needs no more room than it frees: the end of a session, or a touch.
bool in_place(const domain::Change& change) {
  return !change.after || (change.before && !change.event);
}

std::vector<std::string> arguments_of(const domain::Change& change, const std::string& name,
                                      std::string deadline) {
  std::vector<std::string> all;
  all.reserve(kArguments);
  all.push_back(change.before ? record_of(name, *change.before) : "");
  all.push_back(change.after ? record_of(name, *change.after) : "");
  all.emplace_back(id_part(name));
  all.push_back(std::string(1, kSessionFiled).append(name));
  all.push_back(change.after ? decimal(change.after->expires_at) : "");
  all.emplace_back(change.expiry == domain::Change::Expiry::refile ? "1" : "0");
  all.push_back(list_of(change.before));
  all.push_back(list_of(change.after));
  all.push_back(change.event ? outgoing(*change.event, change.logging) : "");
  all.push_back(std::move(deadline));
  return all;
}

std::string marker_of(std::string_view session, std::string_view number) {
  return key_in(shard_of(session), "marker", number);
}

std::string filed(std::string_view key) { return std::string(1, kKeyFiled).append(key); }

std::string encoded_or_none(std::string_view key,
                            const std::optional<domain::IdempotencyEntry>& entry) {
  return entry ? encoding::encoded_entry(key, *entry) : std::string();
}

std::unexpected<Error> taken_too_long() {
  return failure(ErrorKind::store_unavailable, "The store took too long; nothing was changed.");
}

std::unexpected<Error> damaged_key(Log& log) {
  log.write(LogLevel::error, "store.record_damaged",
            "An idempotency entry is damaged or newer than this server; its key cannot be used.");
  return failure(ErrorKind::store_unavailable,
                 "What is stored for this Idempotency-Key is damaged, or newer than this server.");
}

std::unexpected<Error> too_many_others() {
  return failure(ErrorKind::overloaded,
                 "Too many requests use this Idempotency-Key at once; send the request again.");
}

}  // namespace

Task<Result<CommitOutcome>> Commits::commit(const domain::Change& change) {
  if (std::string fault = encoding::fault_of(change); !fault.empty()) {
    return Result<CommitOutcome>(failure(ErrorKind::internal, std::move(fault)));
  }
  if (!change.before && !change.after) return commit_key(*change.idempotency);
  return change.idempotency ? commit_with_key(change) : commit_session(change);
}

Task<Result<std::vector<Mark>>> Commits::announce(const domain::Change& change,
                                                  bool needs_no_room) {
  std::vector<Mark> marks = index_.marks_of(change);
  std::vector<Task<Result<Reply>>> tasks;
  for (Mark& mark : marks) tasks.push_back(index_.mark(mark, needs_no_room));
  const std::string tenant = encoding::tenant_prefix(subject_of(change).tenant);
  if (change.after) {
    const size_t shard = shard_of(name_of_session(*change.after));
    if (presence_.must_tell(tenant, shard, change.after->expires_at)) {
      tasks.push_back(presence_.tell(tenant, shard, change.after->expires_at));
    }
  }
  if (!tasks.empty()) {
    const auto outcomes = co_await when_all(std::move(tasks));
    for (const auto& outcome : outcomes) {
      if (!outcome) co_return std::unexpected(outcome.error());
    }
  }
  co_return marks;
}

Task<Result<CommitOutcome>> Commits::commit_session(const domain::Change& change) {
  auto marks = co_await announce(change, in_place(change));
  if (!marks) co_return std::unexpected(std::move(marks.error()));
  std::string name = name_of_session(subject_of(change));
  const size_t shard = shard_of(name);
  auto arguments = arguments_of(change, name, deadline_of(*marks));
  const Script& script =
      in_place(change) ? servers_.scripts().commit_in_place : servers_.scripts().commit;
  const auto decision =
      co_await decide(script, std::move(name), std::move(arguments), std::string());
  if (!decision) co_return std::unexpected(decision.error());
  if (*decision == Decision::conflict) co_return CommitOutcome::conflict;
  if (*decision != Decision::committed) co_return taken_too_long();
  if (change.after) shared_.due.filed(shard, change.after->expires_at);
  if (!marks->empty()) background_.run(index_.settle(*std::move(marks)));
  co_return CommitOutcome::committed;
}

Task<Result<Commits::Decision>> Commits::decide(const Script& script, std::string session,
                                                std::vector<std::string> arguments,
                                                std::string marker) {
  const size_t shard = shard_of(session);
  const std::string_view tenant = tenant_part(session);
  std::vector<std::string> keys = {
      key_in(shard, "session", session),  key_in(shard, "due"), key_in(shard, "named", tenant),
      key_in(shard, "anonymous", tenant), key_in(shard, "out"), key_in(shard, "number")};
  if (!marker.empty()) keys.push_back(std::move(marker));
  std::string event = arguments.at(kEventArgument);
  const auto reply = co_await servers_.run(script, shard, std::move(keys), std::move(arguments));
  if (!reply) co_return std::unexpected(reply.error());
  switch (element(*reply, 0).integer) {
    case 0:
      co_return Decision::conflict;
    case -1:
      co_return Decision::too_late;
    case -2:
      co_return Decision::given_up;
    default:
      break;
  }
  if (!event.empty()) {
    // The commit stands whatever becomes of this: an event that cannot be published now is
    // published by whoever finds it waiting.
    co_await events_.publish(shard, std::move(event), element(*reply, 1).integer,
                             element(*reply, 2).integer);
  }
  co_return Decision::committed;
}

Task<Result<CommitOutcome>> Commits::commit_with_key(const domain::Change& change) {
  const domain::IdempotencyChange& key_change = *change.idempotency;
  const std::string key = encoding::idempotency_key(key_change.tenant, key_change.key);
  const size_t shard = shard_of(key);
  const std::string name = name_of_session(subject_of(change));
  std::string number(kCommitNumberBytes, '\0');
  entropy_.fill(std::as_writable_bytes(std::span(number)));

  // The marker and the marks first: the commit can be finished by anyone from the next step on. The
  // marker is never sent again: it must be pending only once.
  const auto marker = co_await servers_.call(
      Effect::write_once, shard_of(name),
      words("SET", marker_of(name, number), "pending", "PX", kMarkerLife_ms));
  if (!marker) co_return std::unexpected(marker.error());
  auto marks = co_await announce(change, false);
  if (!marks) co_return std::unexpected(std::move(marks.error()));

  const Intent intent{.number = number,
                      .session = name,
                      .arguments = arguments_of(change, name, deadline_of(*marks)),
                      .entry_after = encoded_or_none(key, key_change.after)};
  const std::string bytes = encoded(key, intent);
  const std::string before = encoded_or_none(key, key_change.before);
  for (int others = 0;; ++others) {
    if (others == kMaxOthers) co_return too_many_others();
    const auto prepared = co_await servers_.run(
        servers_.scripts().prepare, shard,
        words(key_in(shard, "key", key), key_in(shard, "intent", key), key_in(shard, "work")),
        words(before, bytes, filed(key)));
    if (!prepared) co_return std::unexpected(prepared.error());
    if (element(*prepared, 0).integer == 1) break;
    if (element(*prepared, 0).integer == 0) {
      background_.run(forget_marker(name, number));
      co_return CommitOutcome::conflict;
    }
    const auto other = co_await finish(key, element(*prepared, 1).text);
    if (!other) co_return std::unexpected(other.error());
  }
  const auto decision = co_await finish(key, bytes);
  if (!decision) co_return std::unexpected(decision.error());
  background_.run(forget_marker(name, number));
  if (*decision == Decision::conflict) co_return CommitOutcome::conflict;
  if (*decision != Decision::committed) co_return taken_too_long();
  if (!marks->empty()) background_.run(index_.settle(*std::move(marks)));
  co_return CommitOutcome::committed;
}

Task<Result<Commits::Decision>> Commits::finish(std::string key, std::string bytes) {
  auto intent = decoded_intent(key, bytes);
  if (!intent || intent->arguments.size() != kArguments) co_return damaged_key(servers_.log());
  const size_t shard = shard_of(intent->session);
  const std::string marker = marker_of(intent->session, intent->number);
  auto decision =
      co_await decide(servers_.scripts().commit_marked, intent->session, intent->arguments, marker);
  if (!decision && decision.error().kind == ErrorKind::store_full) {
    // It will not be made later either, so that what was refused stays undone.
    const auto state =
        co_await servers_.run(servers_.scripts().abandon, shard, words(marker), words());
    if (!state) co_return std::unexpected(state.error());
    if (state->text == "1") {
      decision = Decision::committed;
    } else {
      const auto dropped = co_await resolve(key, *intent, false);
      if (!dropped) co_return std::unexpected(dropped.error());
      co_return std::unexpected(decision.error());
    }
  }
  if (!decision) co_return decision;
  const bool committed = *decision == Decision::committed;
  if (committed && !intent->arguments[1].empty()) {
    const auto expires_at = number_in(intent->arguments[4]);
    if (expires_at) shared_.due.filed(shard, Time(Duration(*expires_at)));
  }
  const auto resolved = co_await resolve(key, *std::move(intent), committed);
  if (!resolved) co_return std::unexpected(resolved.error());
  co_return decision;
}

Task<Result<Reply>> Commits::resolve(std::string key, Intent intent, bool carry_out) {
  const size_t shard = shard_of(key);
  std::string time;
  if (carry_out && !intent.entry_after.empty()) {
    const auto entry = encoding::decoded_entry(key, intent.entry_after);
    if (!entry) co_return damaged_key(servers_.log());
    time = decimal(entry->keep_until);
    shared_.due.filed(shard, entry->keep_until);
  }
  co_return co_await servers_.run(
      servers_.scripts().resolve, shard,
      words(key_in(shard, "key", key), key_in(shard, "intent", key), key_in(shard, "due"),
            key_in(shard, "work")),
      words(std::move(intent.number), carry_out ? "1" : "0", std::move(intent.entry_after),
            filed(key), std::move(time), filed(key)));
}

Task<void> Commits::forget_marker(std::string session, std::string number) {
  co_await servers_.call(Effect::write, shard_of(session),
                         words("DEL", marker_of(session, number)));
}

Task<Result<CommitOutcome>> Commits::commit_key(const domain::IdempotencyChange& change) {
  const std::string key = encoding::idempotency_key(change.tenant, change.key);
  const size_t shard = shard_of(key);
  const std::string before = encoded_or_none(key, change.before);
  const std::string after = encoded_or_none(key, change.after);
  const std::string time = change.after ? decimal(change.after->keep_until) : std::string();
  const Script& script =
      !change.after || change.before ? servers_.scripts().rekey_in_place : servers_.scripts().rekey;
  for (int others = 0; others < kMaxOthers; ++others) {
    const auto reply = co_await servers_.run(
        script, shard,
        words(key_in(shard, "key", key), key_in(shard, "intent", key), key_in(shard, "due")),
        words(before, after, filed(key), time));
    if (!reply) co_return std::unexpected(reply.error());
    if (element(*reply, 0).integer == 0) co_return CommitOutcome::conflict;
    if (element(*reply, 0).integer == 1) {
      if (change.after) shared_.due.filed(shard, change.after->keep_until);
      co_return CommitOutcome::committed;
    }
    const auto other = co_await finish(key, element(*reply, 1).text);
    if (!other) co_return std::unexpected(other.error());
  }
  co_return too_many_others();
}

Task<Result<std::optional<domain::IdempotencyEntry>>> Commits::idempotency_entry(
    domain::TenantId tenant, std::string name) {
  const std::string key = encoding::idempotency_key(tenant, name);
  const size_t shard = shard_of(key);
  for (int others = 0; others < kMaxOthers; ++others) {
    const auto reply = co_await servers_.run(
        servers_.scripts().recall, shard,
        words(key_in(shard, "key", key), key_in(shard, "intent", key)), words());
    if (!reply) co_return std::unexpected(reply.error());
    if (!element(*reply, 1).text.empty()) {
      const auto other = co_await finish(key, element(*reply, 1).text);
      if (!other) co_return std::unexpected(other.error());
      continue;
    }
    if (element(*reply, 0).text.empty()) co_return std::nullopt;
    const auto entry = encoding::decoded_entry(key, element(*reply, 0).text);
    if (!entry) co_return damaged_key(servers_.log());
    co_return *entry;
  }
  co_return too_many_others();
}

Task<Result<void>> Commits::finish_begun(std::string key) {
  const size_t shard = shard_of(key);
  const auto intent =
      co_await servers_.call(Effect::read, shard, words("GET", key_in(shard, "intent", key)));
  if (!intent) co_return std::unexpected(intent.error());
  if (intent->kind == Reply::Kind::nil) co_return Result<void>();
  const auto finished = co_await finish(key, intent->text);
  if (!finished) co_return std::unexpected(finished.error());
  co_return Result<void>();
}

}  // namespace sojourn::redis
