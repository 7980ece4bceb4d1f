#include "prepared_change.h"

#include "encoding/event_record.h"
#include "encoding/fault.h"
#include "encoding/session_body.h"
#include "record.h"

namespace sojourn::lmdb {
namespace {

using domain::Session;

std::unexpected<Error> no_change(std::string sentence) {
  return failure(ErrorKind::internal, std::move(sentence));
}

void prepare_index(const domain::Change& change, std::span<const domain::IdentityAttribute> indexed,
                   PreparedSession& prepared) {
  const domain::Identity none;
  const domain::Identity& before = change.before ? change.before->identity : none;
  const domain::Identity& after = change.after ? change.after->identity : none;
  const Session& session = change.before ? *change.before : *change.after;
  for (const domain::IdentityAttribute attribute : indexed) {
    const std::string& old_value = value_of(before, attribute);
    const std::string& new_value = value_of(after, attribute);
    if (old_value == new_value) continue;
    if (!old_value.empty()) {
      prepared.index_removed.push_back(
          encoding::index_key(session.tenant, attribute, old_value, session.id));
    }
    if (!new_value.empty()) {
      prepared.index_added.push_back(
          encoding::index_key(session.tenant, attribute, new_value, session.id));
    }
  }
}

PreparedSession prepared_session(const domain::Change& change,
                                 std::span<const domain::IdentityAttribute> indexed) {
  const Session& session = change.before ? *change.before : *change.after;
  PreparedSession prepared;
  prepared.key = encoding::SessionKeyBytes(session.tenant, session.id).view();
  prepared.counts_key = encoding::tenant_prefix(session.tenant);
  if (change.before) {
    prepared.before = encoding::encoded_body(*change.before);
    counter_of(prepared.counts_removed, change.before->identity) = 1;
  }
  if (change.after) {
    prepared.after = encoding::encoded_body(*change.after);
    counter_of(prepared.counts_added, change.after->identity) = 1;
    prepared.expires_at = change.after->expires_at;
    prepared.refile = change.expiry == domain::Change::Expiry::refile;
  }
  prepare_index(change, indexed, prepared);
  if (change.event) prepared.event = encoding::encoded_event(*change.event);
  prepared.event_is_kept = change.logging == domain::Change::Logging::on;
  return prepared;
}

}  // namespace

Room PreparedChange::room() const {
  if (idempotency && idempotency->after && !idempotency->before) return Room::more;
  if (!session) return Room::none;
  const bool event = session->event && session->event_is_kept;
  if (!session->after) return event ? Room::end : Room::none;
  const bool larger = !session->before || session->after->size() > session->before->size();
  return larger || event ? Room::more : Room::none;
}

Result<PreparedChange> prepare(const domain::Change& change,
                               std::span<const domain::IdentityAttribute> indexed) {
  if (std::string fault = encoding::fault_of(change); !fault.empty())
    return no_change(std::move(fault));
  PreparedChange prepared;
  if (change.before || change.after) {
    prepared.session = prepared_session(change, indexed);
    prepared.concerns = (change.before ? *change.before : *change.after).id;
  }
  if (const auto& key = change.idempotency) {
    prepared.idempotency = PreparedKey{.key = encoding::idempotency_key(key->tenant, key->key),
                                       .before = key->before,
                                       .after = key->after};
    const auto& entry = key->before ? key->before : key->after;
    if (!prepared.concerns && entry) prepared.concerns = entry->session;
  }
  return prepared;
}

}  // namespace sojourn::lmdb
