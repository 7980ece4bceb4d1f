#include "event_json.h"

#include <gtest/gtest.h>

namespace sojourn::api {
namespace {

domain::LoggedEvent example() {
  return {.number = 17,
          .event = {.type = domain::EventType::identified,
                    .cause = domain::Cause::requested,
                    .time = Time(Duration(1'795'426'200'125)),
                    .tenant = *domain::TenantId::parse("Z/1"),
                    .session = *domain::SessionId::parse("01JDC5X8QD0000000000000000000000000Z"),
                    .version = 2,
                    .from = {{.visit_id = "v"}, "{}"},
                    .to = {{.customer_id = "bob", .visit_id = "w"}, R"({"a":1})"}}};
}

constexpr char kHead[] =
    R"({"specversion":"1.0","id":"17","source":"/tenants/Z%2F1","type":"session.identified",)"
    R"("subject":"01JDC5X8QD0000000000000000000000000Z","time":"2026-11-23T09:30:00.125Z",)"
    R"("datacontenttype":"application/json",)"
    R"("data":{"sessionId":"01JDC5X8QD0000000000000000000000000Z","tenantId":"Z/1","version":2,)";

TEST(EventJson, SaysWhatChangedFromAndTo) {
  std::string out;
  append_cloud_event(out, example());
  EXPECT_EQ(out,
            std::string(kHead) +
                R"("cause":"requested","from":{"customerId":null,"visitId":"v","attributes":{}},)"
                R"("to":{"customerId":"bob","visitId":"w","attributes":{"a":1}}}})");
}

TEST(EventJson, ABeginningHasNoFromAndAnEndNoTo) {
  auto logged = example();
  logged.event.type = domain::EventType::created;
  logged.event.cause = domain::Cause::automatic;
  logged.event.from = {};
  std::string created;
  append_cloud_event(created, logged);
  EXPECT_NE(created.find(R"("cause":"automatic","from":null,"to":{"customerId":"bob",)"),
            std::string::npos);

  logged = example();
  logged.event.type = domain::EventType::expired;
  logged.event.to = {};
  std::string expired;
  append_cloud_event(expired, logged);
  EXPECT_NE(expired.find(R"("from":{"visitId":"v","attributes":{}},"to":null)"), std::string::npos);
}

TEST(EventJson, EveryCauseHasItsName) {
  const char* const names[] = {"requested", "automatic",    "expired",         "ended",
                               "ended_all", "expired_idle", "expired_lifetime"};
  auto logged = example();
  for (uint8_t number = 1; const char* name : names) {
    logged.event.cause = static_cast<domain::Cause>(number++);
    std::string out;
    append_cloud_event(out, logged);
    EXPECT_NE(out.find(std::string(R"("cause":")") + name + '"'), std::string::npos) << name;
  }
}

TEST(EventJson, AStreamMessageIsOneLineOfData) {
  std::string out;
  append_stream_message(out, example());
  EXPECT_TRUE(out.starts_with("id: 17\nevent: session.identified\ndata: {"));
  EXPECT_TRUE(out.ends_with("}\n\n"));
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 4);
}

}  // namespace
}  // namespace sojourn::api
