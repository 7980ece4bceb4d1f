// sojourn import, see export.h.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <expected>
#include <mutex>
#include <system_error>
#include <vector>

#include "base/executor.h"
#include "base/file.h"
#include "base/task.h"
#include "command_line.h"
#include "console.h"
#include "domain/lifecycle.h"
#include "export.h"
#include "export_format.h"
#include "json_log.h"
#include "lmdb/lmdb_store.h"
#include "lmdb/staging.h"
#include "progress.h"
#include "steady_clock.h"
#include "system_entropy.h"

namespace sojourn::app {
namespace {

// Lines that are committed together.
constexpr size_t kBatch = 1000;

// Nobody waits for an import as for an answer, so a slow disk may take its time.
constexpr Duration kCommitTimeout = std::chrono::minutes(5);

// The thread that imports, as the store sees it: answers come while it waits for them.
class Here final : public Executor {
 public:
  void post(std::move_only_function<void()> work) override {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    posted_.notify_one();
  }

  template <class T>
  T run(Task<T> task) {
    bool done = false;
    if (task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done)) return task.take();
    while (!done) {
      std::unique_lock lock(mutex_);
      posted_.wait(lock, [this] { return !queue_.empty(); });
      auto work = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      work();
    }
    return task.take();
  }

 private:
  std::mutex mutex_;
  std::condition_variable posted_;
  std::deque<std::move_only_function<void()>> queue_;
};

// The event log begins anew, and folding it from its beginning must give the sessions: so each
// begins in it, as it is now.
domain::Change change_of(domain::Session session) {
  domain::Change change;
  change.event = domain::Event{.type = domain::EventType::created,
                               .cause = domain::Cause::requested,
                               .time = session.created_at,
                               .tenant = session.tenant,
                               .session = session.id,
                               .version = session.version,
                               .from = {},
                               .to = {session.identity, session.attributes}};
  change.after = std::move(session);
  return change;
}

domain::Change change_of(store::Snapshot::Key key) {
  domain::Change change;
  change.idempotency = domain::IdempotencyChange{.tenant = std::move(key.tenant),
                                                 .key = std::move(key.key),
                                                 .before = std::nullopt,
                                                 .after = key.entry};
  return change;
}

// The lines of a file, a pipe or standard input.
class Lines {
 public:
  explicit Lines(int descriptor) : descriptor_(descriptor) {}

  // The next line without its end, or as much of it as shows that it is longer than
  // kMaxExportLine; false when there is none. The error is why the input cannot be read.
  std::expected<bool, std::string> next(std::string& line) {
    line.clear();
    for (;;) {
      const size_t end = std::min(buffer_.find('\n', at_), buffer_.size());
      line.append(buffer_, at_, std::min(end - at_, kMaxExportLine + 1 - line.size()));
      const bool whole = end < buffer_.size();
      at_ = whole ? end + 1 : end;
      if (whole || line.size() > kMaxExportLine) return true;
      const auto more = read_more();
      if (!more) return std::unexpected(more.error());
      if (!*more) return !line.empty();
    }
  }

 private:
  std::expected<bool, std::string> read_more() {
    buffer_.resize(64UL * 1024);
    ssize_t got = 0;
    while ((got = ::read(descriptor_, buffer_.data(), buffer_.size())) < 0 && errno == EINTR) {
    }
    const int error = errno;
    buffer_.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    at_ = 0;
    if (got < 0) return std::unexpected(std::generic_category().message(error));
    return got > 0;
  }

  const int descriptor_;
  std::string buffer_;
  size_t at_ = 0;  // what is before it in buffer_ was given
};

// Reads the lines and commits what they say, in batches. Any store will do.
class Importing {
 public:
  Importing(Lines& input, store::SessionStore& store, Here& here)
      : input_(input), store_(store), here_(here) {}

  Result<ExportEnd> run() {
    Progress progress("Importing");
    std::string text;
    bool ended = false;
    for (;;) {
      const auto more = input_.next(text);
      if (!more) {
        return failure(ErrorKind::invalid_body,
                       fmt::format("line {} cannot be read: {}", number_ + 1, more.error()));
      }
      if (!*more) break;
      ++number_;
      progress.show(number_, 0);
      if (text.size() > kMaxExportLine) {
        return wrong(number_, fmt::format("it is longer than {} bytes", kMaxExportLine));
      }
      if (ended) return wrong(number_, "nothing is wanted after the line \"end\"");
      auto line = parsed_export_line(text);
      if (!line) return wrong(number_, line.error());
      const auto* head = std::get_if<ExportHead>(&*line);
      if ((number_ == 1) != (head != nullptr)) {
        return wrong(number_, "the first line, and only it, names the format: {\"format\":...}");
      }
      if (head != nullptr && head->version != kExportVersion) {
        return wrong(number_, fmt::format("its version is {}, and this program knows {}",
                                          head->version, kExportVersion));
      }
      if (const auto* end = std::get_if<ExportEnd>(&*line)) {
        ended = true;
        if (*end != counted_) {
          return wrong(number_, fmt::format("there are {} sessions and {} keys before it",
                                            counted_.sessions, counted_.idempotency_keys));
        }
      }
      if (auto* session = std::get_if<domain::Session>(&*line)) {
        ++counted_.sessions;
        add(change_of(std::move(*session)));
      }
      if (auto* key = std::get_if<store::Snapshot::Key>(&*line)) {
        ++counted_.idempotency_keys;
        add(change_of(std::move(*key)));
      }
      if (changes_.size() == kBatch) {
        if (auto flushed = flush(); !flushed) return std::unexpected(flushed.error());
      }
    }
    if (!ended) return wrong(number_ + 1, "the line \"end\" is missing: the file is not whole");
    if (auto flushed = flush(); !flushed) return std::unexpected(flushed.error());
    return counted_;
  }

 private:
  static std::unexpected<Error> wrong(uint64_t line, const std::string& reason) {
    return failure(ErrorKind::invalid_body, fmt::format("line {}: {}", line, reason));
  }

  void add(domain::Change change) {
    changes_.push_back(std::move(change));
    lines_.push_back(number_);
  }

  Result<void> flush() {
    std::vector<Task<Result<store::CommitOutcome>>> commits;
    for (const domain::Change& change : changes_) commits.push_back(store_.commit(change));
    const auto outcomes = here_.run(when_all(std::move(commits)));
    for (size_t i = 0; i < outcomes.size(); ++i) {
      if (!outcomes[i]) return wrong(lines_[i], outcomes[i].error().detail);
      if (*outcomes[i] == store::CommitOutcome::conflict) {
        return wrong(lines_[i], "it was there already, in a line before");
      }
    }
    changes_.clear();
    lines_.clear();
    return {};
  }

  Lines& input_;
  store::SessionStore& store_;
  Here& here_;
  uint64_t number_ = 0;  // of the line that was read last
  ExportEnd counted_;
  std::vector<domain::Change> changes_;
  std::vector<uint64_t> lines_;
};

Result<ExportEnd> run_import(Lines input, const std::filesystem::path& data) {
  auto staging = lmdb::Staging::begin(data);
  if (!staging) return std::unexpected(staging.error());
  JsonLog log;
  SteadyClock clock;
  SystemEntropy entropy;
  Here here;
  auto engine = lmdb::LmdbEngine::open(
      {.path = (*staging)->work(), .commit_timeout = kCommitTimeout}, clock, entropy, log);
  if (!engine) return std::unexpected(engine.error());
  auto store = (*engine)->store_for(static_cast<Executor&>(here));
  auto imported = Importing(input, *store, here).run();
  store.reset();
  engine->reset();
  if (!imported) return imported;
  if (auto finished = (*staging)->finish(); !finished) return std::unexpected(finished.error());
  return imported;
}

}  // namespace

int import_sessions(const std::string& input, const std::filesystem::path& data) {
  FileDescriptor file;
  if (!input.empty()) {
    file = FileDescriptor(::open(input.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) {
      complain(fmt::format("{} cannot be read: {}", input, std::generic_category().message(errno)));
      return kFailed;
    }
  }
  const auto imported = run_import(Lines(input.empty() ? STDIN_FILENO : file.get()), data);
  if (!imported) {
    complain(imported.error().detail + "; nothing was imported");
    return kFailed;
  }
  say(fmt::format("sessions {}\nidempotency {}\n", imported->sessions, imported->idempotency_keys));
  return 0;
}

}  // namespace sojourn::app
