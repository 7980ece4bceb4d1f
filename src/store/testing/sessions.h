// Sessions for tests of stores: plain ones, and ones at the limits of every field.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "domain/lifecycle.h"
#include "domain/session.h"

namespace sojourn::store::testing {

domain::TenantId tenant(std::string text);

// An id that is the same for the same number, and sorts as the numbers do.
domain::SessionId session_id(uint64_t number);

// A session with a value in every field.
domain::Session plain_session(const domain::TenantId& tenant, uint64_t number);

// Sessions of ids 1, 2, ... whose fields are as small, as large and as odd as the domain allows.
std::vector<domain::Session> extreme_sessions(const domain::TenantId& tenant);

// Each differs from `session` in a member other than tenant and id; there is one for every member.
std::vector<domain::Session> one_member_changed(const domain::Session& session);

domain::Change creation(domain::Session session);
domain::Change update(domain::Session before, domain::Session after);
domain::Change deletion(domain::Session session);
domain::Change touching(domain::Session before,
                        domain::Session after);  // an update without an event

domain::IdempotencyEntry idempotency_entry(uint64_t session_number, Time keep_until);

}  // namespace sojourn::store::testing
