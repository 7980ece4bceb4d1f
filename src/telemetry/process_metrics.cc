// What Linux tells of this process, under the names that Prometheus client libraries share.
#include <sys/resource.h>
#include <unistd.h>

#include <cctype>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <vector>

#include "base/file.h"
#include "telemetry/exposition.h"

namespace sojourn::telemetry {
namespace {

constexpr size_t kMostOfFile = 4UL * 1024 * 1024;

// The fields of /proc/self/stat behind the name of the program, which may hold spaces: proc(5)
// numbers them from 1, and the first one here is the third. None if it cannot be read.
std::vector<std::string> stat_fields() {
  const std::string line = read_file("/proc/self/stat", kMostOfFile).value_or("");
  std::istringstream rest(line.substr(std::min(line.size(), line.rfind(')') + 1)));
  std::vector<std::string> fields;
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

// 0 when it is no number.
double number(const std::vector<std::string>& fields, size_t proc_number) {
  const size_t at = proc_number - 3;
  return at < fields.size() ? std::strtod(fields[at].c_str(), nullptr) : 0;
}

// When the machine was booted, as time of the wall clock.
double boot_time() {
  std::istringstream file(read_file("/proc/stat", kMostOfFile).value_or(""));
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::strtod(line.c_str() + 6, nullptr);
  }
  return 0;
}

// 0 if they cannot be counted: that takes a descriptor too.
size_t open_descriptors() {
  size_t count = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
       at.increment(error)) {
    ++count;
  }
  return count == 0 ? 0 : count - 1;  // less the one that this look needs
}

}  // namespace

void add_process_metrics(Exposition& page) {
  // What cannot be read is left out: a gap says so, and a 0 would be a lie.
  if (const auto fields = stat_fields(); !fields.empty()) {
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    const auto page_size = static_cast<double>(sysconf(_SC_PAGESIZE));
    page.counter("process_cpu_seconds_total", "User and system CPU time spent.",
                 (number(fields, 14) + number(fields, 15)) / ticks);
    page.gauge("process_resident_memory_bytes",
               "Resident memory, the pages of the store's map that were read included.",
               number(fields, 24) * page_size);
    page.gauge("process_virtual_memory_bytes", "Address space, the store's map included.",
               number(fields, 23));
    page.gauge("process_start_time_seconds", "When the process started, since the Unix epoch.",
               boot_time() + number(fields, 22) / ticks);
  }
  if (const size_t open = open_descriptors(); open != 0) {
    page.gauge("process_open_fds", "Open file descriptors.", open);
  }
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  page.gauge("process_max_fds", "Most file descriptors that may be open.", limit.rlim_cur);
}

}  // namespace sojourn::telemetry
