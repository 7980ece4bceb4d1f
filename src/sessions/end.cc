#include "begin.h"
#include "change.h"
#include "domain/precondition.h"

namespace sojourn::sessions {
namespace {

struct End {
  EndRequest request;

  Decision decide(const domain::Session& session, const domain::Policy&, Time now) const {
    if (auto refused = domain::refusal(request.conditions, &session)) {
      return {.refusal = std::move(refused)};
    }
    return {.change = domain::end(session, domain::Cause::ended, now)};
  }
  static Answer done(domain::Session&& session) { return {.session = std::move(session)}; }
  Task<Result<Answer>> over(Context&) const {
    if (auto refused = domain::refusal(request.conditions, nullptr)) {
      return Result<Answer>(std::unexpected(*std::move(refused)));
    }
    return Result<Answer>(session_not_found());
  }
};

}  // namespace

Task<Result<Answer>> end(Context& context, EndRequest request) {
  return run_verb(context, End{std::move(request)});
}

}  // namespace sojourn::sessions
