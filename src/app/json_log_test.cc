#include "json_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "base/text.h"

namespace sojourn::app {
namespace {

TEST(JsonLog, OneLinePerEvent) {
  EXPECT_EQ(log_line(Time(Duration(1'795'426'200'125)), LogLevel::warning, "store.full", "No room.",
                     {{"path", "/data"}, {"count", uint64_t{7}}, {"reason", ""}}),
            R"({"time":"2026-11-23T09:30:00.125Z","level":"warning","event":"store.full",)"
            R"("message":"No room.","path":"/data","count":7})");
}

std::string logged(std::string_view value) {
  const std::string line = log_line(Time(), LogLevel::info, "e", "", {{"v", value}});
  const size_t begin = line.find("\"v\":\"") + 5;
  return line.substr(begin, line.size() - 2 - begin);
}

TEST(JsonLog, NoValueCanForgeALine) {
  const std::string line = log_line(Time(), LogLevel::info, "e", "m",
                                    {{"v", "a\n{\"level\":\"error\"}\r\x1b[31m\xFF\""}});
  EXPECT_EQ(line.find_first_of("\n\r\x1b\xFF"), std::string::npos);
  EXPECT_NE(line.find(R"("v":"a\n{\"level\":\"error\"}\r\u001b[31m?\"")"), std::string::npos)
      << line;
}

TEST(JsonLog, Escapes) {
  using std::string_view_literals::operator""sv;
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"\r\n"sv, R"(\r\n)"},
      {"\"\\"sv, R"(\"\\)"},
      {"a\0b"sv, R"(a\u0000b)"},
      {"\x01\x1f\t"sv, R"(\u0001\u001f\t)"},
      {"a\x7f"sv, R"(a\u007f)"},
      {"\xC2\x80 \xC2\x9B \xC2\x9F \xC2\xA0"sv, "\\u0080 \\u009b \\u009f \xC2\xA0"},
      {"a\xE2\x80\xA8\xE2\x80\xA9\"b"sv, R"(a\u2028\u2029\"b)"},
      {"\xE2\x80\xAA\xE2\x80\xAE\xE2\x81\xA6\xE2\x81\xA9"sv, R"(\u202a\u202e\u2066\u2069)"},
      {"\xE2\x80\xA7\xE2\x80\xAF\xE2\x81\xA5\xE2\x81\xAA"sv,
       "\xE2\x80\xA7\xE2\x80\xAF\xE2\x81\xA5\xE2\x81\xAA"},
      {"gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x99\x82"sv,
       "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x99\x82"},
      {"\xC3\xBC \xFF \xE2\x80"sv, "?? ? ??"},  // not UTF-8
      {"\xC2"sv, "?"},
      {"\xE2\x80"sv, "??"},
      {"\xED\xA0\x80"sv, "???"},  // a surrogate
      {"\xC0\x8A"sv, "??"},       // an overlong line feed
  };
  for (const auto& [value, wanted] : kCases) EXPECT_EQ(logged(value), wanted);
}

TEST(JsonLog, LongValuesAreCutBetweenCharacters) {
  EXPECT_EQ(logged(std::string(512, 'a')), std::string(512, 'a'));
  EXPECT_EQ(logged(std::string(513, 'a')), std::string(512, 'a') + "...");
  EXPECT_EQ(logged(std::string(1 << 20, '"')).size(), 2u * 512 + 3);
  for (const std::string_view character : {"\xC3\xBC", "\xE2\x82\xAC", "\xF0\x9F\x99\x82"}) {
    for (size_t before = 506; before <= 512; ++before) {
      std::string value(before, 'a');
      for (int i = 0; i < 4; ++i) value += character;
      const std::string cut = logged(value);
      EXPECT_TRUE(is_utf8(cut));
      EXPECT_EQ(cut.find('?'), std::string::npos) << before;
      EXPECT_TRUE(cut.ends_with("...")) << before;
      EXPECT_LE(cut.size(), 515u);
      EXPECT_GT(cut.size(), 515u - character.size());
    }
  }
  EXPECT_EQ(logged(std::string(600, '\x80')).find_first_not_of("?."), std::string::npos);
}

class JsonLogPipe : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe(ends_.data()), 0); }
  void TearDown() override {
    for (const int end : ends_) {
      if (end >= 0) close(end);
    }
  }
  void close_end(int& end) {
    close(end);
    end = -1;
  }
  std::string drain() {
    fcntl(ends_[0], F_SETFL, O_NONBLOCK);
    std::string text;
    std::array<char, 65536> buffer;
    for (ssize_t got; (got = read(ends_[0], buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<size_t>(got));
    }
    return text;
  }

  std::array<int, 2> ends_{-1, -1};
};

TEST_F(JsonLogPipe, WritesInOrderAndByLevel) {
  JsonLog log(ends_[1]);
  log.write(LogLevel::info, "a", "");
  log.set_level(LogLevel::error);
  log.write(LogLevel::info, "b", "");
  log.write(LogLevel::warning, "c", "");
  log.write(LogLevel::error, "d", std::string(5'000, '\x01'));
  log.flush();
  const std::string text = drain();
  EXPECT_EQ(std::ranges::count(text, '\n'), 2);
  EXPECT_LT(text.find("\"event\":\"a\""), text.find("\"event\":\"d\""));
  EXPECT_EQ(log.dropped(), 0u);
}

TEST_F(JsonLogPipe, TheEndWritesWhatWaits) {
  {
    JsonLog log(ends_[1]);
    for (int i = 0; i < 100; ++i) log.write(LogLevel::info, "a", "");
  }
  const std::string text = drain();
  EXPECT_EQ(std::ranges::count(text, '\n'), 100);
}

// Neither the writers nor the end wait for a reader who is not there; each line is either in the
// pipe or counted.
TEST_F(JsonLogPipe, NobodyReads) {
  constexpr size_t kLines = 20'000;
  uint64_t dropped = 0;
  {
    JsonLog log(ends_[1]);
    for (size_t i = 0; i < kLines; ++i) log.write(LogLevel::info, "a", std::string(100, 'x'));
    dropped = log.dropped();
    EXPECT_GT(dropped, 0u);
  }
  const std::string text = drain();
  const auto written = static_cast<size_t>(std::ranges::count(text, '\n'));
  EXPECT_GT(written, 0u);
  EXPECT_GE(written + dropped + JsonLog::kMostWaiting + 1, kLines);
}

TEST_F(JsonLogPipe, TheReaderIsGone) {
  signal(SIGPIPE, SIG_IGN);
  close_end(ends_[0]);
  JsonLog log(ends_[1]);
  for (int i = 0; i < 10; ++i) log.write(LogLevel::info, "a", "");
  log.flush();
  EXPECT_EQ(log.dropped(), 10u);
}

}  // namespace
}  // namespace sojourn::app
