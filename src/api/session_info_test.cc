#include "session_info.h"

#include <gtest/gtest.h>

namespace sojourn::api {
namespace {

domain::Session example() {
  return {.id = *domain::SessionId::parse("01JDC5X8QD0000000000000000000000000Z"),
          .tenant = *domain::TenantId::parse("Z\"1"),
          .identity = {.customer_id = "bob@example.com"},
          .created_at = Time(Duration(1'795'426'200'125)),
          .last_accessed_at = Time(Duration(1'795'426'201'000)),
          .expires_at = Time(Duration(1'795'428'001'000)),
          .version = 2,
          .attributes = {}};
}

constexpr char kInfo[] =
    R"({"sessionId":"01JDC5X8QD0000000000000000000000000Z","tenantId":"Z\"1","agentId":null,)"
    R"("customerId":"bob@example.com","visitId":null,"globalVisitId":null,"anonymous":false,)"
    R"("isNew":true,"createdAt":"2026-11-23T09:30:00.125Z",)"
    R"("lastAccessedAt":"2026-11-23T09:30:01.000Z","expiresAt":"2026-11-23T10:00:01.000Z",)"
    R"("version":2,"attributes":{}})";

TEST(SessionInfo, HasEveryMember) {
  std::string out;
  append_session_info(out, example(), true);
  EXPECT_EQ(out, kInfo);
}

TEST(SessionInfo, EnvelopeMirrorsTheIdIfAsked) {
  http::Response with, without;
  write_answer({.mirror_session_id = true}, sessions::Answer{example(), true}, with);
  EXPECT_EQ(with.body, std::string(R"({"statusCode":200,"response":)") + kInfo +
                           R"(,"sessionId":"01JDC5X8QD0000000000000000000000000Z"})");
  write_answer({.mirror_session_id = false}, sessions::Answer{example(), true}, without);
  EXPECT_EQ(without.body, std::string(R"({"statusCode":200,"response":)") + kInfo + "}");
}

}  // namespace
}  // namespace sojourn::api
