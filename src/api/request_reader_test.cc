#include "request_reader.h"

#include <gtest/gtest.h>

#include <vector>

namespace sojourn::api {
namespace {

const sessions::Tenants kNoDefault{{}};
const sessions::Tenants kDefault7{{.policy = {}, .default_tenant = *domain::TenantId::parse("7")}};

ErrorKind tenant_error(std::string_view query) {
  return read_tenant({.query = query}, kNoDefault).error().kind;
}

Result<domain::Identity> headers(const std::vector<http::Field>& fields) {
  return read_identity_headers({.fields = fields});
}

TEST(RequestReader, Tenant) {
  EXPECT_EQ(read_tenant({.query = "tenantId=1"}, kNoDefault)->text(), "1");
  EXPECT_EQ(read_tenant({.query = "a=b&tenantId=Z%C3%BCrich+7&c"}, kNoDefault)->text(),
            "Z\xC3\xBCrich+7");
  EXPECT_EQ(read_tenant({.query = "%74enantId=1"}, kNoDefault)->text(), "1");
  EXPECT_EQ(tenant_error(""), ErrorKind::tenant_id_required);
  EXPECT_EQ(tenant_error("tenantId"), ErrorKind::tenant_id_required);
  EXPECT_EQ(tenant_error("tenantId="), ErrorKind::tenant_id_required);
  EXPECT_EQ(tenant_error("tenantid=1"), ErrorKind::tenant_id_required);
  EXPECT_EQ(tenant_error("tenantId=1&tenantId=1"), ErrorKind::invalid_parameter);
  EXPECT_EQ(tenant_error("tenantId=1&%74enantId=2"), ErrorKind::invalid_parameter);
  EXPECT_EQ(tenant_error("tenantId=%zz"), ErrorKind::invalid_parameter);
  EXPECT_EQ(tenant_error("tenantId=%FF"), ErrorKind::invalid_parameter);
  EXPECT_EQ(tenant_error("tenantId=a%00b"), ErrorKind::invalid_parameter);
}

TEST(RequestReader, DefaultTenantIsForRequestsThatNameNone) {
  EXPECT_EQ(read_tenant({}, kDefault7)->text(), "7");
  EXPECT_EQ(read_tenant({.query = "tenantId=1"}, kDefault7)->text(), "1");
  EXPECT_EQ(read_tenant({.query = "tenantId="}, kDefault7).error().kind,
            ErrorKind::tenant_id_required);
}

TEST(RequestReader, IdentityHeadersInBothSpellingsAndAnyCase) {
  EXPECT_EQ(headers({{"gkc_agentId", "a"}, {"gkc_customerId", " bob "}}),
            (domain::Identity{.agent_id = "a", .customer_id = "bob"}));
  EXPECT_EQ(headers({{"GKC-AGENTID", "a"}, {"Gkc-CustomerId", "bob"}}),
            (domain::Identity{.agent_id = "a", .customer_id = "bob"}));
  EXPECT_EQ(headers({{"gkcXagentId", "a"}, {"gkc_agentIds", "b"}, {"xgkc_agentId", "c"}}),
            domain::Identity{});
}

TEST(RequestReader, EmptyMeansAbsentAndEqualRepeatsAreFine) {
  EXPECT_EQ(headers({{"gkc_customerId", "  "}}), domain::Identity{});
  EXPECT_EQ(headers({{"gkc_customerId", ""}, {"gkc-customerId", "bob"}, {"gkc_customerId", "bob"}}),
            (domain::Identity{.customer_id = "bob"}));
}

TEST(RequestReader, BadIdentityHeaders) {
  const std::string longest(256, 'x'), too_long(257, 'x');
  EXPECT_EQ(headers({{"gkc_customerId", longest}})->customer_id, longest);
  for (const auto& fields :
       std::vector<std::vector<http::Field>>{{{"gkc_customerId", "bob"}, {"gkc-customerId", "eve"}},
                                             {{"gkc_agentId", "bob"}, {"gkc_agentId", "eve"}},
                                             {{"gkc_customerId", too_long}},
                                             {{"gkc_customerId", "\xFF"}},
                                             {{"gkc_customerId", "a\x7F"}},
                                             {{"gkc_customerId", "a\tb"}}}) {
    EXPECT_EQ(headers(fields).error().kind, ErrorKind::invalid_header);
  }
}

TEST(RequestReader, BodyMustBeJsonUnlessEmpty) {
  const auto read = [](std::vector<http::Field> fields, std::string_view body) {
    return read_identity({.fields = fields, .body = body});
  };
  constexpr std::string_view kBody = R"({"visitId":"v"})";
  EXPECT_EQ(read({{"content-type", "Application/JSON ; charset=utf-8"}}, kBody)->visit_id, "v");
  EXPECT_EQ(read({{"Content-Type", "text/plain"}}, kBody).error().kind,
            ErrorKind::unsupported_media_type);
  EXPECT_EQ(read({{"Content-Type", "application/jsonx"}}, kBody).error().kind,
            ErrorKind::unsupported_media_type);
  EXPECT_EQ(read({}, kBody).error().kind, ErrorKind::unsupported_media_type);
  EXPECT_EQ(read({{"Content-Type", "text/plain"}}, ""), domain::Identity{});
  EXPECT_EQ(read({{"Content-Type", "application/json"}}, "[").error().kind,
            ErrorKind::invalid_body);
  EXPECT_EQ(read({{"Content-Type", "application/json"}, {"gkc_agentId", "a"}}, kBody),
            (domain::Identity{.agent_id = "a", .visit_id = "v"}));
}

TEST(RequestReader, SessionId) {
  const std::string text = "01JDC5X8QD0000000000000000000000000Z";
  const auto id = domain::SessionId::parse(text);
  EXPECT_EQ(read_session_id({.path_parameter = text}), id);
  EXPECT_EQ(read_session_id({.path_parameter = "%30" + text.substr(1)}), id);
  EXPECT_EQ(read_session_id({.path_parameter = "00000000-0000-0000-0000-0000000000"}),
            std::nullopt);
  EXPECT_EQ(read_session_id({.path_parameter = "%zz"}), std::nullopt);
}

}  // namespace
}  // namespace sojourn::api
