#include "begin.h"
#include "change.h"
#include "domain/precondition.h"

namespace sojourn::sessions {
namespace {

struct Retrieve {
  const RetrieveRequest& request;

  Decision decide(const domain::Session& session, const domain::Policy& policy, Time now) const {
    if (auto refused = domain::if_match_refusal(request.if_match, &session)) {
      return {.refusal = std::move(refused)};
    }
    return {.change = domain::touch(session, policy, now), .need = Decision::Need::optional};
  }
  static Answer done(domain::Session&& session) { return {.session = std::move(session)}; }
  Task<Result<Answer>> over(Context& context) const {
    if (auto refused = domain::if_match_refusal(request.if_match, nullptr)) {
      co_return std::unexpected(*std::move(refused));
    }
    const domain::Update given{.identity = request.given, .attributes = {}};
    co_return co_await begin_for_unknown_id(context, request.client, request.tenant, given,
                                            request.if_unknown);
  }
};

}  // namespace

Task<Result<Answer>> retrieve(Context& context, const RetrieveRequest& request) {
  return run_verb(context, Retrieve{request});
}

}  // namespace sojourn::sessions
