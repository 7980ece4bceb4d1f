#include "staging.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "as_owner.h"
#include "directory.h"

namespace sojourn::lmdb {
namespace {

namespace fs = std::filesystem;

std::string reason_of(int error) { return std::generic_category().message(error); }

std::unexpected<Error> cannot_fill(const fs::path& path, const std::string& reason) {
  return failure(ErrorKind::store_unavailable,
                 fmt::format("Nothing can be written to {}: {}.", path.string(), reason));
}

Result<void> check_empty(const fs::path& directory) {
  std::error_code error;
  for (auto entry = fs::directory_iterator(directory, error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name == kDataFile) {
      return cannot_fill(directory, "it has a store already; name an empty or new directory");
    }
    if (name != kPartialDirectory && name != kBackupFile && !is_harmless(name)) {
      return cannot_fill(directory,
                         "it holds other files (" + name + "); name an empty or new directory");
    }
  }
  if (error) return cannot_fill(directory, error.message());
  return {};
}

}  // namespace

Result<std::unique_ptr<Staging>> Staging::begin(const fs::path& directory, std::string_view work) {
  if (directory.empty()) return cannot_fill(directory, "its path is empty; name a directory");
  auto owner = std::make_unique<AsOwner>(directory);
  const bool made = mkdir(directory.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) {
    return cannot_fill(directory, "making the directory: " + reason_of(errno));
  }
  if (auto empty = check_empty(directory); !empty) return std::unexpected(empty.error());
  const auto lock = lock_directory(directory);
  if (!lock) return std::unexpected(lock.error());
  std::unique_ptr<Staging> staging(new Staging(directory, work, made, *lock, std::move(owner)));
  // Someone may have filled it before the lock was ours.
  if (auto empty = check_empty(directory); !empty) {
    staging->finished_ = true;
    return std::unexpected(empty.error());
  }
  std::error_code error;
  fs::remove_all(directory / kPartialDirectory, error);
  if (!error) fs::remove_all(directory / kFirstStartDirectory, error);
  if (!error) fs::remove(directory / kBackupFile, error);
  if (error) return cannot_fill(directory, error.message());
  if (mkdir(staging->work_.c_str(), 0700) != 0) {
    return cannot_fill(staging->work_, reason_of(errno));
  }
  return staging;
}

Staging::Staging(fs::path directory, std::string_view work, bool made, int lock,
                 std::unique_ptr<AsOwner> owner)
    : owner_(std::move(owner)),
      directory_(std::move(directory)),
      work_(directory_ / work),
      made_(made),
      lock_(lock) {}

Staging::~Staging() {
  std::error_code ignored;
  if (!finished_) {
    fs::remove_all(work_, ignored);
    fs::remove(directory_ / kBackupFile, ignored);
    if (made_) {
      fs::remove(directory_ / kLockFile, ignored);
      rmdir(directory_.c_str());
    }
  }
  close(lock_);
}

Result<void> Staging::finish() {
  if (auto synced = sync_directory(work_); !synced) return synced;
  std::error_code error;
  if (fs::exists(work_ / kBackupFile, error)) {
    fs::rename(work_ / kBackupFile, directory_ / kBackupFile, error);
  }
  if (!error) fs::rename(work_ / kDataFile, directory_ / kDataFile, error);
  if (error) return cannot_fill(directory_, error.message());
  finished_ = true;
  fs::remove_all(work_, error);
  if (auto synced = sync_directory(directory_); !synced) return synced;
  return made_ ? sync_directory(fs::absolute(directory_ / ".").parent_path().parent_path())
               : Result<void>();
}

}  // namespace sojourn::lmdb
