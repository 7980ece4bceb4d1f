// SessionInfo, the payload of the API, and the envelope around it.
#pragma once

#include <string>

#include "api/api.h"
#include "http/message.h"
#include "sessions/operations.h"

namespace sojourn::api {

// Appends SessionInfo as JSON: always all members, null where not known.
void append_session_info(std::string& out, const domain::Session& session, bool is_new);

// "In case of success returns payload in response field of "response" of declared structure. In
// case of error returns code and description of error."
void write_answer(const ApiOptions& options, const Result<sessions::Answer>& answer,
                  http::Response& response);

}  // namespace sojourn::api
