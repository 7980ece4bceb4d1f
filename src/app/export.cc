#include "export.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "base/error.h"
#include "domain/lifecycle.h"
#include "export_format.h"
#include "interruption.h"
#include "lmdb/snapshot.h"
#include "progress.h"
#include "stall_limit.h"

namespace sojourn::app {
namespace {

std::unexpected<Error> cannot_write(const std::string& path) {
  return failure(ErrorKind::store_unavailable,
                 fmt::format("{} cannot be written: {}.", path.empty() ? "standard output" : path,
                             std::generic_category().message(errno)));
}

std::unexpected<Error> interrupted() {
  return failure(ErrorKind::store_unavailable, "The export was interrupted.");
}

// The name of a file is on the disk when this returns.
Result<void> sync_directory_of(const std::string& path) {
  const auto directory = std::filesystem::path(path).parent_path();
  const int fd =
      ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return cannot_write(path);
  const bool synced = fsync(fd) == 0;
  const auto failed = synced ? Result<void>() : cannot_write(path);
  close(fd);
  return failed;
}

// A file that has its name, on the disk, once it is whole; or standard output.
class Output {
 public:
  explicit Output(std::string path)
      : path_(std::move(path)), partial_(path_.empty() ? path_ : path_ + ".partial") {}
  ~Output() {
    if (file_ == nullptr || path_.empty()) return;
    std::fclose(file_);
    if (!finished_) unlink(partial_.c_str());
  }
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  Result<void> open() {
    if (path_.empty()) {
      file_ = stdout;
      return {};
    }
    // For its owner alone: it holds what the store holds.
    const int fd = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return cannot_write(path_);
    file_ = fdopen(fd, "w");
    return {};
  }
  Result<void> line(const ExportLine& line) {
    const std::string text = export_line(line) + "\n";
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) return cannot_write(path_);
    written_ += text.size();
    return {};
  }
  uint64_t written() const { return written_; }
  Result<void> finish() {
    if (std::fflush(file_) != 0) return cannot_write(path_);
    if (path_.empty()) return {};
    if (fsync(fileno(file_)) != 0 || rename(partial_.c_str(), path_.c_str()) != 0) {
      return cannot_write(path_);
    }
    finished_ = true;
    return sync_directory_of(path_);
  }

 private:
  const std::string path_;
  const std::string partial_;
  std::FILE* file_ = nullptr;
  uint64_t written_ = 0;
  bool finished_ = false;
};

// What one session of the store counts for, as progress, when nothing is written of it.
constexpr uint64_t kSessionBytes = 1024;

Result<ExportEnd> run_export(const std::filesystem::path& data, const std::string& path,
                             const Interruption& interruption, StallLimit& stall) {
  const auto snapshot = lmdb::open_snapshot(data);
  if (!snapshot) return std::unexpected(snapshot.error());
  Output output(path);
  auto done = output.open();
  const Time now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
  if (done) done = output.line(ExportHead{.exported_at = now});
  ExportEnd end;
  Progress progress("Exporting");
  uint64_t seen = 0;
  if (done) {
    done = (*snapshot)->each_session([&](const domain::Session& session) -> Result<void> {
      progress.show(++seen, (*snapshot)->session_count());
      stall.done(output.written() + seen * kSessionBytes);
      if (interruption.came()) return interrupted();
      if (!domain::is_live(session, now)) return {};
      ++end.sessions;
      return output.line(session);
    });
  }
  if (done) {
    done = (*snapshot)->each_idempotency_key([&](const store::Snapshot::Key& key) -> Result<void> {
      ++end.idempotency_keys;
      stall.done(output.written() + seen * kSessionBytes);
      if (interruption.came()) return interrupted();
      return output.line(key);
    });
  }
  if (done) done = output.line(end);
  if (done) done = output.finish();
  if (!done) return std::unexpected(done.error());
  return end;
}

}  // namespace

int export_sessions(const std::filesystem::path& data, const std::string& output,
                    Duration stall_limit) {
  const Interruption interruption;
  const auto end = [&] {
    StallLimit stall(stall_limit, "The export");
    return run_export(data, output, interruption, stall);
  }();
  interruption.end_by_it();  // nothing of the store is held any longer
  if (!end) {
    fmt::print(stderr, "sojourn: {}\n", end.error().detail);
    return 1;
  }
  fmt::print(output.empty() ? stderr : stdout, "sessions {}\nidempotency {}\n", end->sessions,
             end->idempotency_keys);
  return 0;
}

}  // namespace sojourn::app
