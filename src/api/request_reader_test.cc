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
  EXPECT_EQ(read_tenant({.query = "a=b&tenantId=Z%C3%BCrich+7%2B&c"}, kNoDefault)->text(),
            "Z\xC3\xBCrich 7+");
  EXPECT_EQ(read_tenant({.query = "tenantId=+a+"}, kNoDefault)->text(), " a ") << "opaque";
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
    return read_update({.fields = fields, .body = body});
  };
  constexpr std::string_view kBody = R"({"visitId":"v"})";
  EXPECT_EQ(read({{"content-type", "Application/JSON ; charset=utf-8"}}, kBody)->identity.visit_id,
            "v");
  EXPECT_EQ(read({{"Content-Type", "text/plain"}}, kBody).error().kind,
            ErrorKind::unsupported_media_type);
  EXPECT_EQ(read({{"Content-Type", "application/jsonx"}}, kBody).error().kind,
            ErrorKind::unsupported_media_type);
  EXPECT_EQ(read({}, kBody).error().kind, ErrorKind::unsupported_media_type);
  EXPECT_EQ(read({{"Content-Type", "text/plain"}}, "")->identity, domain::Identity{});
  EXPECT_EQ(read({{"Content-Type", "application/json"}}, "[").error().kind,
            ErrorKind::invalid_body);
  EXPECT_EQ(read({{"Content-Type", "application/json"}, {"gkc_agentId", "a"}}, kBody)->identity,
            (domain::Identity{.agent_id = "a", .visit_id = "v"}));
  for (const std::string_view body : {kBody, std::string_view()}) {
    EXPECT_EQ(
        read({{"Content-Type", "application/json"}, {"content-type", "application/json"}}, body)
            .error()
            .kind,
        ErrorKind::invalid_header);
  }
}

TEST(RequestReader, BodyMustNotBeEncoded) {
  const auto answer = [](std::string_view type, std::vector<http::Field> fields) {
    fields.push_back({"Content-Type", type});
    const http::Request request{.fields = fields, .body = "{}"};
    const auto read = read_update(request);
    http::Response response;
    if (!read) refuse_update(request, read.error(), response);
    return std::to_string(response.status) + " " + response.extra_fields;
  };
  constexpr std::string_view kJson = "application/json";
  EXPECT_EQ(answer(kJson, {{"Content-Encoding", "identity"}}), "200 ");
  EXPECT_EQ(answer(kJson, {{"Content-Encoding", ""}, {"content-encoding", "Identity ,"}}), "200 ");
  EXPECT_EQ(answer(kJson, {{"Content-Encoding", "gzip"}}), "415 Accept-Encoding: identity\r\n");
  EXPECT_EQ(answer("text/plain", {{"Content-Encoding", "identity"}, {"Content-Encoding", "br"}}),
            "415 Accept-Encoding: identity\r\n");
  EXPECT_EQ(answer("text/plain", {}), "415 Accept: application/json\r\n");
}

TEST(RequestReader, HeaderAndBodySayTheSameOfAPerson) {
  const auto read = [](std::string_view header, std::string_view body) {
    const std::vector<http::Field> fields{{"Content-Type", "application/json"},
                                          {"gkc_customerId", header}};
    return read_update({.fields = fields, .body = body});
  };
  EXPECT_EQ(read("", R"({"customerId":" bob "})")->identity.customer_id, "bob");
  EXPECT_EQ(read(" bob", R"({"customerId":"bob "})")->identity.customer_id, "bob");
  EXPECT_EQ(read("bob", R"({"customerId":""})")->identity.customer_id, "bob");
  EXPECT_EQ(read("bob", R"({"customerId":null,"agentId":"a"})")->identity,
            (domain::Identity{.agent_id = "a", .customer_id = "bob"}));
  const auto differs = read("bob", R"({"customerId":"Bob"})");
  ASSERT_FALSE(differs);
  EXPECT_EQ(differs.error().kind, ErrorKind::invalid_header);
}

TEST(RequestReader, Limit) {
  EXPECT_EQ(read_limit({}, 200, 50), 50u);
  EXPECT_EQ(read_limit({.query = "limit=1"}, 200, 50), 1u);
  EXPECT_EQ(read_limit({.query = "limit=200"}, 200, 50), 200u);
  for (const auto* bad : {"limit=", "limit=0", "limit=201", "limit=-1", "limit=1x", "limit=+1",
                          "limit=1&limit=1", "limit=99999999999999999999999"}) {
    EXPECT_EQ(read_limit({.query = bad}, 200, 50).error().kind, ErrorKind::invalid_parameter);
  }
}

TEST(RequestReader, Attribute) {
  EXPECT_EQ(read_attribute({.query = "tenantId=1"}), std::nullopt);
  const auto found = read_attribute({.query = "customerId=bob%40example.com"});
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->attribute, domain::IdentityAttribute::customer_id);
  EXPECT_EQ((*found)->value, "bob@example.com");
  EXPECT_EQ((**read_attribute({.query = "agentId=+b+ob%2B%09"})).value, "b ob+");
  for (const auto* bad :
       {"customerId=", "customerId=a&agentId=b", "visitId=%FF", "visitId=%", "visitId=+",
        "visitId=a%0A", "visitId=a%00b", "globalVisitId=a&globalVisitId=a"}) {
    EXPECT_EQ(read_attribute({.query = bad}).error().kind, ErrorKind::invalid_parameter);
  }
}

TEST(RequestReader, IdempotencyKey) {
  const auto read = [](std::vector<http::Field> fields) {
    return read_idempotency_key({.fields = fields});
  };
  const std::string longest(128, 'k'), too_long(129, 'k');
  EXPECT_EQ(read({}), std::nullopt);
  EXPECT_EQ(read({{"idempotency-key", "\"8e03\""}}), "\"8e03\"");
  EXPECT_EQ(read({{"Idempotency-Key", longest}}), longest);
  for (const auto& bad : {std::string(), too_long, std::string("a b"), std::string("\xC3\xAB")}) {
    EXPECT_EQ(read({{"Idempotency-Key", bad}}).error().kind, ErrorKind::invalid_header);
  }
  EXPECT_EQ(read({{"Idempotency-Key", "a"}, {"Idempotency-Key", "a"}}).error().kind,
            ErrorKind::invalid_header);
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
