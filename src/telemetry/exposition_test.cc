#include "telemetry/exposition.h"

#include <gmock/gmock.h>

namespace sojourn::telemetry {
namespace {

using testing::HasSubstr, testing::Not;

TEST(ExpositionTest, WritesTheTextFormat) {
  Exposition page;
  page.counter("a_total", "Help of a.", 3, {{"kind", "x"}});
  page.counter("a_total", "Help of a.", 4, {{"kind", "y"}});
  page.gauge("b_bytes", "Help of b.", 1.5);
  EXPECT_EQ(page.text(),
            "# HELP a_total Help of a.\n# TYPE a_total counter\n"
            "a_total{kind=\"x\"} 3\na_total{kind=\"y\"} 4\n"
            "# HELP b_bytes Help of b.\n# TYPE b_bytes gauge\nb_bytes 1.5\n");
}

TEST(ExpositionTest, BucketsAreCumulative) {
  static constexpr uint64_t kBounds[] = {10, 20};
  Distribution distribution(kBounds);
  for (const uint64_t value : {10U, 11U, 20U, 21U}) distribution.add(value);
  Exposition page;
  page.histogram("d_seconds", "Help.", distribution.view(), 0.5);
  EXPECT_THAT(page.text(), HasSubstr("d_seconds_count 4\nd_seconds_sum 31\n"
                                     "d_seconds_bucket{le=\"5\"} 1\nd_seconds_bucket{le=\"10\"} 3\n"
                                     "d_seconds_bucket{le=\"+Inf\"} 4\n"));
}

TEST(ExpositionTest, NoLabelForgesALine) {
  Exposition page;
  page.gauge("g", "Help.", 1, {{"tenant", "a\"} 9\nforged 1\\"}});
  EXPECT_THAT(page.text(), HasSubstr(R"(g{tenant="a\"} 9\nforged 1\\"} 1)"));
  EXPECT_THAT(page.text(), Not(HasSubstr("\nforged")));
}

TEST(ExpositionTest, TellsOfThisProcess) {
  Exposition page;
  add_process_metrics(page);
  for (const char* name : {"process_resident_memory_bytes", "process_open_fds", "process_max_fds",
                           "process_start_time_seconds"}) {
    EXPECT_THAT(page.text(), HasSubstr("\n" + std::string(name) + " "));
    EXPECT_THAT(page.text(), Not(HasSubstr("\n" + std::string(name) + " 0\n")))
        << "of a process that just did something";
  }
}

}  // namespace
}  // namespace sojourn::telemetry
