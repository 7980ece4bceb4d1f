#include "telemetry/accept_log.h"

#include <gmock/gmock.h>

#include <cerrno>

#include "base/manual_clock.h"

namespace sojourn::telemetry {
namespace {

using std::chrono::seconds;
using testing::ElementsAre, testing::IsEmpty;

class Lines final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::string_view,
             std::initializer_list<LogField> fields) override {
    std::string line(event);
    for (const LogField& field : fields) line += " " + text_of(field);
    lines_.push_back(std::move(line));
  }
  std::vector<std::string> take() { return std::exchange(lines_, {}); }

 private:
  std::vector<std::string> lines_;
};

TEST(AcceptLog, TellsOfEachListenerInSums) {
  Lines lines;
  ManualClock clock{Time(std::chrono::hours(24 * 365))};  // 1971
  uint64_t of_public = 0, of_admin = 0;
  AcceptLog log({{"public", [&] { return of_public; }, [] { return EMFILE; }},
                 {"admin", [&] { return of_admin; }, [] { return ENOBUFS; }}},
                clock, lines);
  const auto pass = [&](Duration time) {
    clock.advance(time);
    log.look();
    return lines.take();
  };
  EXPECT_THAT(pass(seconds(1)), IsEmpty());
  of_public = 3;
  EXPECT_THAT(pass(seconds(1)),
              ElementsAre("connections.not_accepted public 3 1971-01-01T00:00:01.000Z Too many "
                          "open files"));
  of_public = 1000;
  of_admin = 1;
  EXPECT_THAT(pass(seconds(1)),
              ElementsAre("connections.not_accepted admin 1 1971-01-01T00:00:02.000Z No buffer "
                          "space available"));
  EXPECT_THAT(pass(seconds(8)), IsEmpty());
  EXPECT_THAT(pass(seconds(1)),
              ElementsAre("connections.not_accepted public 997 1971-01-01T00:00:02.000Z Too many "
                          "open files"));
  of_public = 1001;
  log.finish();
  EXPECT_THAT(lines.take(), testing::SizeIs(1));
}

}  // namespace
}  // namespace sojourn::telemetry
