#include "backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <atomic>
#include <cerrno>
#include <fstream>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "directory.h"
#include "environment.h"
#include "page_audit.h"
#include "staging.h"

namespace sojourn::lmdb {
namespace {

namespace fs = std::filesystem;

constexpr size_t kChunk = size_t{1} << 20;
constexpr std::chrono::milliseconds kProgressEvery{100};

std::unexpected<Error> cannot(const std::string& what, const std::string& reason) {
  return failure(ErrorKind::store_unavailable, fmt::format("{}: {}.", what, reason));
}
std::string reason_of(int error) { return std::generic_category().message(error); }

// A file that is closed when it goes.
class File {
 public:
  File(const fs::path& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (fd_ >= 0) close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  int get() const { return fd_; }
  uint64_t size() const {
    struct stat status{};
    return fstat(fd_, &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
  }

 private:
  const int fd_;
};

// Length and checksum of a file that goes by.
class Digest {
 public:
  Digest() : state_(XXH3_createState()) { XXH3_128bits_reset(state_.get()); }

  void add(std::string_view bytes) {
    XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  uint64_t size() const { return size_; }

  // The text of sojourn-backup.
  std::string text() const {
    const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
    return fmt::format("sojourn-backup 1\nbytes {}\nxxh3-128 {:016x}{:016x}\n", size_, hash.high64,
                       hash.low64);
  }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
  uint64_t size_ = 0;
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// Gives each part of the file to `use`, which may refuse. An errno, or 0.
template <class Use>
int each_part(int fd, Use use) {
  std::vector<char> buffer(kChunk);
  while (true) {
    const ssize_t size = read(fd, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    if (size == 0) return 0;
    if (!use(std::string_view(buffer.data(), static_cast<size_t>(size)))) return errno;
  }
}

// LMDB's copying believes what it reads: a damaged page could make it write without end.
Result<void> check_pages(const Environment& environment) {
  ReadTransaction transaction(environment);
  if (const int error = transaction.renew()) {
    return cannot("Reading " + environment.path().string(), mdb_strerror(error));
  }
  const Head& head = transaction.view().head();
  uint64_t count = 0;
  std::string first;
  PageAudit audit(
      environment.pages_of_file(head), head,
      [&](std::string problem) {
        if (++count == 1) first = std::move(problem);
      },
      [](std::string_view) {});
  audit.run();
  if (count == 0) return {};
  return failure(
      ErrorKind::store_unavailable,
      fmt::format("The store {} has {} damaged pages, the first: {}. Nothing was made of "
                  "it; `sojourn check` shows them.",
                  environment.path().string(), count, first));
}

// What a copy of the environment holds, about: the pages that are in use at most.
uint64_t about_bytes(MDB_env* environment) {
  MDB_envinfo info;
  MDB_stat stat;
  if (mdb_env_info(environment, &info) != 0 || mdb_env_stat(environment, &stat) != 0) return 0;
  return (info.me_last_pgno + 1) * stat.ms_psize;
}

// liblmdb says nothing on its way, so the file is watched as it grows.
int copy_environment(MDB_env* environment, const File& to, const CopyProgress& progress) {
  const uint64_t about = about_bytes(environment);
  std::atomic<bool> done = false;
  int error = 0;
  std::thread copying([&] {
    error = mdb_env_copyfd2(environment, to.get(), MDB_CP_COMPACT);
    if (error == MDB_INCOMPATIBLE) {
      // Some pages are neither in use nor free: only a copy of every page is possible.
      error = ftruncate(to.get(), 0) == 0 && lseek(to.get(), 0, SEEK_SET) == 0
                  ? mdb_env_copyfd2(environment, to.get(), 0)
                  : errno;
    }
    done = true;
  });
  while (!done) {
    progress(to.size(), about);
    std::this_thread::sleep_for(kProgressEvery);
  }
  copying.join();
  progress(to.size(), to.size());
  return error;
}

Result<void> write_digest(const fs::path& path, const std::string& text) {
  const File file(path, O_WRONLY | O_CREAT | O_EXCL);
  if (file.get() < 0 || !write_all(file.get(), text) || fsync(file.get()) != 0) {
    return cannot("Writing " + path.string(), reason_of(errno));
  }
  return {};
}

Result<CheckReport> checked(const fs::path& directory, const std::string& what) {
  auto report = check_alone(directory);
  if (report && !report->sound()) {
    return failure(ErrorKind::store_unavailable,
                   fmt::format("{} has {} problems, the first: {}. Nothing was made of it; "
                               "`sojourn check` shows them.",
                               what, report->problem_count, report->problems.front()));
  }
  return report;
}

}  // namespace

Result<Copied> backup(const fs::path& data, const fs::path& target, const CopyProgress& progress) {
  const auto environment = Environment::open_to_read(data);
  if (!environment) return std::unexpected(environment.error());
  if (auto sound = check_pages(**environment); !sound) return std::unexpected(sound.error());
  auto staging = Staging::begin(target);
  if (!staging) return std::unexpected(staging.error());
  const fs::path copy = (*staging)->work() / kDataFile;
  {
    const File file(copy, O_RDWR | O_CREAT | O_EXCL);
    if (file.get() < 0) return cannot("Making " + copy.string(), reason_of(errno));
    if (const int error = copy_environment((*environment)->handle(), file, progress)) {
      return cannot("Copying " + data.string(), mdb_strerror(error));
    }
    if (fsync(file.get()) != 0) return cannot("Syncing " + copy.string(), reason_of(errno));
    Digest digest;
    if (lseek(file.get(), 0, SEEK_SET) != 0) return cannot("Reading the copy", reason_of(errno));
    const auto add = [&](std::string_view part) {
      digest.add(part);
      return true;
    };
    if (const int error = each_part(file.get(), add)) {
      return cannot("Reading the copy", reason_of(error));
    }
    if (auto written = write_digest((*staging)->work() / kBackupFile, digest.text()); !written) {
      return std::unexpected(written.error());
    }
  }
  std::error_code error;
  auto report = checked((*staging)->work(), "The store " + data.string());
  if (!report) return std::unexpected(report.error());
  const Copied copied{fs::file_size(copy, error), *std::move(report)};
  if (auto finished = (*staging)->finish(); !finished) return std::unexpected(finished.error());
  return copied;
}

Result<Copied> restore(const fs::path& from, const fs::path& data, const CopyProgress& progress) {
  const File source(from / kDataFile, O_RDONLY);
  std::ifstream wanted(from / kBackupFile);
  if (source.get() < 0 || !wanted) {
    return failure(
        ErrorKind::store_unavailable,
        fmt::format("{} is no whole backup: data.mdb and sojourn-backup are wanted in it, as "
                    "`sojourn backup` writes them.",
                    from.string()));
  }
  const std::string text{std::istreambuf_iterator<char>(wanted), std::istreambuf_iterator<char>()};
  auto staging = Staging::begin(data);
  if (!staging) return std::unexpected(staging.error());

  const fs::path copy = (*staging)->work() / kDataFile;
  Digest digest;
  {
    const File file(copy, O_WRONLY | O_CREAT | O_EXCL);
    if (file.get() < 0) return cannot("Making " + copy.string(), reason_of(errno));
    const uint64_t size = source.size();
    const auto add = [&](std::string_view part) {
      digest.add(part);
      progress(digest.size(), size);
      return write_all(file.get(), part);
    };
    if (const int error = each_part(source.get(), add)) {
      return cannot("Copying " + from.string(), reason_of(error));
    }
    if (fsync(file.get()) != 0) return cannot("Syncing " + copy.string(), reason_of(errno));
  }
  if (digest.text() != text) {
    return failure(
        ErrorKind::store_unavailable,
        fmt::format("The backup {} is damaged: its data.mdb is not the one that sojourn-backup "
                    "tells of. Nothing was restored.",
                    from.string()));
  }
  auto report = checked((*staging)->work(), "The backup " + from.string());
  if (!report) return std::unexpected(report.error());
  if (auto finished = (*staging)->finish(); !finished) return std::unexpected(finished.error());
  return Copied{digest.size(), *std::move(report)};
}

}  // namespace sojourn::lmdb
