#include "readers.h"

#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>

namespace sojourn::lmdb {
namespace {

// liblmdb tells its table as lines of text, each "PID THREAD TRANSACTION": the thread in
// hexadecimal digits, the transaction "-" for a reader that reads nothing now. The headings are no
// such line.
int add_line(const char* line, void* to) {
  int process = 0;
  uint64_t thread = 0;
  uint64_t transaction = 0;
  const int fields = std::sscanf(line, "%d %" SCNx64 " %" SCNu64, &process, &thread, &transaction);
  if (fields < 2) return 0;
  static_cast<std::vector<Reader>*>(to)->push_back(
      {process, thread, fields == 3 ? std::optional(transaction) : std::nullopt});
  return 0;
}

}  // namespace

std::vector<Reader> readers_of(MDB_env* environment) {
  std::vector<Reader> all;
  mdb_reader_list(environment, add_line, &all);
  return all;
}

void Readers::look(std::chrono::steady_clock::time_point now) {
  environment_.clear_dead_readers();
  // Only a reader of a state before this one keeps pages. Seen at two looks with the same state, it
  // is the same reading: one begun in between reads this state or a later one.
  MDB_envinfo info;
  mdb_env_info(environment_.handle(), &info);
  const pid_t self = getpid();
  std::map<Reader, Sighting> seen;
  uint64_t others = 0;
  for (const Reader& reader : readers_of(environment_.handle())) {
    if (!reader.transaction) continue;
    if (reader.process != self) ++others;
    if (*reader.transaction >= info.me_last_txnid) continue;
    const auto before = seen_.find(reader);
    seen.emplace(reader, before != seen_.end() ? before->second : Sighting{now});
  }
  seen_ = std::move(seen);
  auto oldest = now;
  for (auto& [reader, sighting] : seen_) {
    oldest = std::min(oldest, sighting.first);
    note(reader, sighting, now);
  }
  counters_.others = others;
  counters_.oldest_ms = static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now - oldest).count());
}

void Readers::note(const Reader& reader, Sighting& sighting,
                   std::chrono::steady_clock::time_point now) {
  if (sighting.logged || now - sighting.first < kLong) return;
  sighting.logged = true;
  log_.write(
      LogLevel::warning, "store.long_read",
      "A process has read one moment of the store for long: until it ends, freed room cannot "
      "be used again and the file grows. If it is a stopped command, end it.",
      {{"pid", static_cast<uint64_t>(reader.process)},
       {"seconds", static_cast<uint64_t>(
                       std::chrono::floor<std::chrono::seconds>(now - sighting.first).count())}});
}

}  // namespace sojourn::lmdb
