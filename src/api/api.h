// The Session Management API as an HTTP service: the wire and nothing else.
//
// Turns a request into the plain values of sessions/operations.h, and what comes back into the
// envelope. routes.cc is the list of what there is.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "access/guard.h"
#include "api/stream_counters.h"
#include "base/timer.h"
#include "http/service.h"
#include "sessions/operations.h"

namespace sojourn::api {

struct ApiOptions {
  // http.base_paths: every route is mounted under each of these.
  std::vector<std::string> base_paths = {"/", "/gks-server/v1"};
  // http.mirror_session_id: repeat the payload's sessionId at the top level of the answer, where
  // clients of the first generation read it.
  bool mirror_session_id = true;
};

// What the handlers share on one loop; outlives every Task of the service.
struct Api {
  ApiOptions options;
  sessions::Context& context;
  Timer& timer;  // of the loop
  access::Guard guard;
  StreamCounters streams;
};

// The service of one loop. `api` must outlive it.
std::unique_ptr<http::Service> make_service(Api& api);

}  // namespace sojourn::api
