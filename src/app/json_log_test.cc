#include "json_log.h"

#include <gtest/gtest.h>

namespace sojourn::app {
namespace {

TEST(JsonLog, OneLinePerEvent) {
  EXPECT_EQ(log_line(Time(Duration(1'795'426'200'125)), LogLevel::warning, "store.full", "No room.",
                     {{"path", "/data"}}),
            R"({"time":"2026-11-23T09:30:00.125Z","level":"warning","event":"store.full",)"
            R"("message":"No room.","path":"/data"})");
}

TEST(JsonLog, NoValueCanForgeALine) {
  const std::string line = log_line(Time(), LogLevel::info, "e", "m",
                                    {{"v", "a\n{\"level\":\"error\"}\r\x1b[31m\xFF\""}});
  EXPECT_EQ(line.find_first_of("\n\r\x1b\xFF"), std::string::npos);
  EXPECT_NE(line.find(R"("v":"a\n{\"level\":\"error\"}\r\u001b[31m?\"")"), std::string::npos)
      << line;
}

}  // namespace
}  // namespace sojourn::app
