#include <xxhash.h>

#include "begin.h"
#include "change.h"
#include "domain/canonical_json.h"
#include "sessions/quota.h"

namespace sojourn::sessions {
namespace {

using Fingerprint = std::array<uint8_t, 16>;

// Tells one request from another: all that was given, each with its length.
Fingerprint fingerprint_of(const domain::Identity& identity, const std::string& attributes) {
  std::string bytes;
  for (const std::string* part : {&identity.agent_id, &identity.customer_id, &identity.visit_id,
                                  &identity.global_visit_id, &attributes}) {
    const uint64_t length = part->size();
    bytes.append(reinterpret_cast<const char*>(&length), sizeof(length)).append(*part);
  }
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  return std::to_array(canonical.digest);
}

// The same for every way to write the same request.
Fingerprint fingerprint_of(const domain::Update& given) {
  return fingerprint_of(given.identity, given.attributes.empty()
                                            ? std::string()
                                            : domain::canonical_json(given.attributes));
}

bool is_for(const domain::IdempotencyEntry& entry, const domain::Update& given,
            const Fingerprint& fingerprint) {
  // Entries of versions that did not sort the members have the attributes as they were sent.
  return entry.fingerprint == fingerprint ||
         entry.fingerprint == fingerprint_of(given.identity, given.attributes);
}

// The session that the key made, if it was for the same request and is live; nothing when the key
// is free: never used, or so long ago that it is forgotten.
Task<Result<std::optional<Answer>>> recall(Context& context, const CreateRequest& request,
                                           const std::optional<domain::IdempotencyEntry>& entry,
                                           const Fingerprint& fingerprint) {
  if (!entry) co_return std::nullopt;
  auto live = co_await find_live(context, request.tenant, entry->session);
  if (!live) co_return std::unexpected(std::move(live.error()));
  if (!*live && entry->keep_until <= context.clock.now()) co_return std::nullopt;
  if (!is_for(*entry, request.given, fingerprint)) {
    co_return failure(ErrorKind::idempotency_key_reused,
                      "This Idempotency-Key was used for another request; use a new key.");
  }
  if (!*live) {
    co_return failure(ErrorKind::session_not_found,
                      "The session that this Idempotency-Key created is over; use a new key to "
                      "create another.");
  }
  co_return Answer{.session = **std::move(live), .is_new = true};
}

Task<Result<Answer>> create_once(Context& context, CreateRequest request) {
  const auto policy = context.tenants->policy_of(request.tenant);
  if (!policy) co_return std::unexpected(policy.error());
  const auto fingerprint = fingerprint_of(request.given);
  const std::string key = domain::filed_key(request.caller, *request.idempotency_key);
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    auto entry = co_await context.store.idempotency_entry(request.tenant, key);
    if (!entry) co_return std::unexpected(std::move(entry.error()));
    auto known = co_await recall(context, request, *entry, fingerprint);
    if (!known) co_return std::unexpected(std::move(known.error()));
    if (*known) co_return **std::move(known);

    if (attempt == 0) {
      const auto taken = take_creation(context, request.client, request.tenant, *policy);
      if (!taken) co_return std::unexpected(taken.error());
    }
    const auto place = co_await take_place(context, request.tenant, *policy);
    if (!place) co_return std::unexpected(place.error());
    const Time now = context.clock.now();
    auto change = domain::create(request.tenant, request.given, domain::Cause::requested, *policy,
                                 now, context.entropy);
    if (!change) co_return std::unexpected(std::move(change.error()));
    const domain::Session& session = *change->after;
    domain::IdempotencyEntry used{
        .fingerprint = fingerprint,
        .session = session.id,
        .keep_until = std::max(now + domain::kIdempotencyKeyLife, session.expires_at)};
    change->idempotency = domain::IdempotencyChange{
        .tenant = request.tenant, .key = key, .before = *entry, .after = used};
    const auto outcome = co_await commit(context, *change);
    if (!outcome) co_return std::unexpected(outcome.error());
    if (*outcome == store::CommitOutcome::committed) {
      co_return Answer{.session = *std::move(change->after), .is_new = true};
    }
  }
  co_return too_many_conflicts();
}

}  // namespace

Task<Result<Answer>> create(Context& context, CreateRequest request) {
  if (request.idempotency_key) co_return co_await create_once(context, std::move(request));
  co_return co_await begin(context, request.client, request.tenant, request.given,
                           domain::Cause::requested);
}

}  // namespace sojourn::sessions
