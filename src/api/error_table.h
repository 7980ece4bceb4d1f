// The one place where an error becomes an HTTP answer.
#pragma once

#include "base/error.h"
#include "http/message.h"

namespace sojourn::api {

// The HTTP status of a kind of error.
int status_of(ErrorKind kind);

// Fills in `response`: {"statusCode":404,"code":"SESSION_NOT_FOUND","description":"..."}, with
// Retry-After where trying again later can help.
void write_error(const Error& error, http::Response& response);

}  // namespace sojourn::api
