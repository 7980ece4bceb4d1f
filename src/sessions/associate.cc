#include "begin.h"
#include "change.h"
#include "domain/precondition.h"

namespace sojourn::sessions {
namespace {

struct Associate {
  AssociateRequest request;

  Decision decide(const domain::Session& session, const domain::Policy& policy, Time now) const {
    if (auto refused = domain::refusal(request.conditions, &session)) {
      return {.refusal = std::move(refused)};
    }
    auto change = domain::update(session, request.given, policy, now);
    if (!change) return {.refusal = std::move(change.error())};
    return {.change = *std::move(change)};
  }
  static Answer done(domain::Session&& session) { return {.session = std::move(session)}; }
  Task<Result<Answer>> over(Context& context) const {
    if (auto refused = domain::refusal(request.conditions, nullptr)) {
      return Result<Answer>(std::unexpected(*std::move(refused)));
    }
    // A request that is about a version of a session is not meant to create one.
    if (request.conditions.given()) return Result<Answer>(session_not_found());
    return begin_for_unknown_id(context, request.client, request.tenant, request.given,
                                IfUnknown::by_policy);
  }
};

}  // namespace

Task<Result<Answer>> associate(Context& context, AssociateRequest request) {
  return run_verb(context, Associate{std::move(request)});
}

}  // namespace sojourn::sessions
