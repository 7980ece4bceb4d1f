#include "export_format.h"

#include <gtest/gtest.h>

namespace sojourn::app {
namespace {

using namespace std::chrono_literals;

const domain::SessionId kId = *domain::SessionId::parse("00D20YB7BXWH2E5D3QBZM4G08XR5SJ9NT7AM");

domain::Session session() {
  const Time created = Time(std::chrono::sys_days(2026y / 11 / 25)) + 9h + 125ms;
  return {
      .id = kId,
      .tenant = *domain::TenantId::parse("t\"1"),
      .identity = {.agent_id = "", .customer_id = "b\\ob", .visit_id = "", .global_visit_id = ""},
      .created_at = created,
      .last_accessed_at = created + 1ms,
      .expires_at = created + 24h,
      .version = 7,
      .attributes = R"({"a":1.50})"};
}

// As docs/operating/backup.md has it.
TEST(ExportFormat, ASession) {
  const std::string line = export_line(session());
  EXPECT_EQ(line,
            R"({"session":{"tenantId":"t\"1","sessionId":"00D20YB7BXWH2E5D3QBZM4G08XR5SJ9NT7AM",)"
            R"("agentId":null,"customerId":"b\\ob","visitId":null,"globalVisitId":null,)"
            R"("createdAt":"2026-11-25T09:00:00.125Z","lastAccessedAt":"2026-11-25T09:00:00.126Z",)"
            R"("expiresAt":"2026-11-26T09:00:00.125Z","version":7,"attributes":"{\"a\":1.50}"}})");
  EXPECT_EQ(std::get<domain::Session>(parsed_export_line(line).value()), session());
}

TEST(ExportFormat, TheOtherLines) {
  const store::Snapshot::Key key{
      .tenant = session().tenant,
      .key = "web k",
      .entry = {.fingerprint = {0xAB, 1}, .session = kId, .keep_until = {}}};
  const auto read = std::get<store::Snapshot::Key>(parsed_export_line(export_line(key)).value());
  EXPECT_EQ(read.key, key.key);
  EXPECT_EQ(read.entry, key.entry);
  const ExportEnd end{.sessions = 3, .idempotency_keys = 4};
  EXPECT_EQ(export_line(end), R"({"end":{"sessions":3,"idempotencyKeys":4}})");
  EXPECT_EQ(std::get<ExportEnd>(parsed_export_line(export_line(end)).value()), end);
  EXPECT_EQ(std::get<ExportHead>(parsed_export_line(export_line(ExportHead{})).value()).version, 1);
}

TEST(ExportFormat, TimesAreExactOrRefused) {
  const auto with = [](std::string_view time) {
    std::string line = export_line(session());
    const std::string_view was = "2026-11-25T09:00:00.125Z";
    return parsed_export_line(line.replace(line.find(was), was.size(), time));
  };
  EXPECT_TRUE(with("0000-01-01T00:00:00.000Z"));
  EXPECT_TRUE(with("9999-12-31T23:59:59.999Z"));
  for (const char* bad :
       {"2026-11-25T09:00:00Z", "2026-11-25T09:00:00.125+00", "2026-02-29T00:00:00.000Z",
        "2026-11-25T24:00:00.000Z", "2026-11-25T09:60:00.000Z", "2026-11-25T09:00:60.000Z",
        "2026-13-25T09:00:00.000Z", "2026-11-25 09:00:00.125Z", ""}) {
    EXPECT_FALSE(with(bad)) << bad;
  }
}

TEST(ExportFormat, AttributesAreAnObjectWithinItsLimit) {
  domain::Session large = session();
  large.attributes = R"({"a":")" + std::string(8200, 'x') + R"("})";
  EXPECT_FALSE(parsed_export_line(export_line(large)));
  for (const char* bad : {"[]", "1", "{", "{} {}"}) {
    large.attributes = bad;
    EXPECT_FALSE(parsed_export_line(export_line(large))) << bad;
  }
}

// No line is longer than a reader takes.
TEST(ExportFormat, TheLongestLineFits) {
  domain::Session longest = session();
  longest.tenant = *domain::TenantId::parse(std::string(128, '"'));
  const std::string most(domain::Identity::kMaxBytes, '\x01');
  longest.identity = {most, most, most, most};
  longest.attributes = R"({"a":")";
  while (longest.attributes.size() < 8180) longest.attributes += "\\u0001";
  longest.attributes += "\"}";
  EXPECT_LT(export_line(longest).size(), kMaxExportLine);
}

}  // namespace
}  // namespace sojourn::app
