#include "begin.h"
#include "sessions/operations.h"

namespace sojourn::sessions {

Task<Result<Answer>> create(Context& context, CreateRequest request) {
  co_return co_await begin(context, request.tenant, request.given, domain::Cause::requested);
}

}  // namespace sojourn::sessions
