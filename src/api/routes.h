// The list of what the API answers.
#pragma once

#include <vector>

#include "api/api.h"
#include "http/router.h"

namespace sojourn::api {

std::vector<http::Route> routes(Api& api);

// One handler a file, named after its operation.
Task<void> create_session(Api& api, http::Request& request, http::Response& response);
Task<void> retrieve_session(Api& api, http::Request& request, http::Response& response);
Task<void> associate_session(Api& api, http::Request& request, http::Response& response);
Task<void> end_session(Api& api, http::Request& request, http::Response& response);
Task<void> list_sessions(Api& api, http::Request& request, http::Response& response);
Task<void> end_sessions(Api& api, http::Request& request, http::Response& response);
Task<void> list_events(Api& api, http::Request& request, http::Response& response);

}  // namespace sojourn::api
