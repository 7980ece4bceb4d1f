// The list of what the API answers.
#pragma once

#include <vector>

#include "access/api_key.h"
#include "api/api.h"
#include "http/router.h"

namespace sojourn::api {

std::vector<http::Route> routes(Api& api);

// One handler a file, named after its operation. `key`: whose API key was shown, null when nobody
// is asked for one; valid until the handler first waits.
Task<void> create_session(Api& api, http::Request& request, http::Response& response);
Task<void> retrieve_session(Api& api, http::Request& request, http::Response& response,
                            const access::ApiKey* key);
Task<void> associate_session(Api& api, http::Request& request, http::Response& response);
Task<void> end_session(Api& api, http::Request& request, http::Response& response);
Task<void> list_sessions(Api& api, http::Request& request, http::Response& response);
Task<void> end_sessions(Api& api, http::Request& request, http::Response& response);
Task<void> list_events(Api& api, http::Request& request, http::Response& response,
                       const access::ApiKey* key);

}  // namespace sojourn::api
