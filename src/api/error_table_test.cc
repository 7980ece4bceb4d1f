#include "api/error_table.h"

#include <gtest/gtest.h>

namespace sojourn::api {
namespace {

TEST(ErrorTable, WritesStatusCodeAndSentence) {
  http::Response response;
  write_error({ErrorKind::session_not_found, "Say \"hello\"."}, response);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body,
            R"({"statusCode":404,"code":"SESSION_NOT_FOUND","description":"Say \"hello\"."})");
  EXPECT_EQ(response.extra_fields, "");
}

TEST(ErrorTable, WhatMayPassSaysWhenToTryAgain) {
  for (const auto kind :
       {ErrorKind::store_full, ErrorKind::store_unavailable, ErrorKind::overloaded}) {
    http::Response response;
    write_error({kind, "Later."}, response);
    EXPECT_EQ(response.status, 503);
    EXPECT_EQ(response.extra_fields, "Retry-After: 1\r\n");
  }
}

TEST(ErrorTable, RetryAfterIsInWholeSecondsAndNeverTooEarly) {
  const auto seconds_of = [](int64_t milliseconds) {
    http::Response response;
    write_error({ErrorKind::rate_limited, "Later.", Duration(milliseconds)}, response);
    return response.extra_fields;
  };
  EXPECT_EQ(seconds_of(1), "Retry-After: 1\r\n");
  EXPECT_EQ(seconds_of(400), "Retry-After: 1\r\n");
  EXPECT_EQ(seconds_of(1000), "Retry-After: 1\r\n");
  EXPECT_EQ(seconds_of(1001), "Retry-After: 2\r\n");
}

TEST(ErrorTable, EveryKindHasAnErrorStatus) {
  for (int i = 0; i <= static_cast<int>(ErrorKind::internal); ++i) {
    EXPECT_GE(status_of(static_cast<ErrorKind>(i)), 400);
    EXPECT_LT(status_of(static_cast<ErrorKind>(i)), 600);
  }
}

}  // namespace
}  // namespace sojourn::api
