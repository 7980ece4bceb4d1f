#include "response_writer.h"

#include <gtest/gtest.h>

namespace sojourn::http {
namespace {

std::string written(const Response& response, BodySent body_sent = BodySent::yes,
                    Afterwards afterwards = Afterwards::keep,
                    StreamFraming framing = StreamFraming::chunks) {
  std::string out = "before|";
  append_response(out, response, "Common: c\r\n", body_sent, afterwards, framing);
  return out;
}

TEST(ResponseWriter, WritesHeadAndBody) {
  Response response{.status = 404, .body = "{}"};
  response.add_field("Allow", "GET");
  EXPECT_EQ(written(response),
            "before|HTTP/1.1 404 Not Found\r\nCommon: c\r\nContent-Type: application/json\r\n"
            "Content-Length: 2\r\nAllow: GET\r\n\r\n{}");
}

TEST(ResponseWriter, AnEmptyBodyHasALengthButNoType) {
  EXPECT_EQ(written({}), "before|HTTP/1.1 200 OK\r\nCommon: c\r\nContent-Length: 0\r\n\r\n");
}

TEST(ResponseWriter, HeadHasTheLengthButNotTheBody) {
  EXPECT_EQ(written({.content_type = "text/plain", .body = "abc"}, BodySent::no),
            "before|HTTP/1.1 200 OK\r\nCommon: c\r\nContent-Type: text/plain\r\n"
            "Content-Length: 3\r\n\r\n");
}

TEST(ResponseWriter, StatusesWithoutBody) {
  EXPECT_EQ(written({.status = 204, .body = "no"}),
            "before|HTTP/1.1 204 No Content\r\nCommon: c\r\n\r\n");
  EXPECT_EQ(written({.status = 304}), "before|HTTP/1.1 304 Not Modified\r\nCommon: c\r\n\r\n");
}

TEST(ResponseWriter, AnUnknownStatusHasNoReason) {
  EXPECT_TRUE(written({.status = 599}).starts_with("before|HTTP/1.1 599 \r\n"));
}

TEST(ResponseWriter, SaysWhatBecomesOfTheConnection) {
  EXPECT_NE(written({}, BodySent::yes, Afterwards::close).find("Connection: close\r\n"),
            std::string::npos);
  EXPECT_NE(written({}, BodySent::yes, Afterwards::keep_and_say).find("Connection: keep-alive\r\n"),
            std::string::npos);
}

TEST(ResponseWriter, DateIsImfFixdate) {
  std::string fields = "old";
  write_common_fields(fields, std::chrono::sys_seconds(std::chrono::seconds(784'111'777)));
  EXPECT_EQ(fields,  // the example of RFC 9110 5.6.7
            "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
}

}  // namespace
}  // namespace sojourn::http
