#include "file_operations.h"

#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cassert>
#include <cerrno>
#include <mutex>
#include <numeric>
#include <span>
#include <utility>

// The names that ld --wrap gives: __real_x is the x that would have been called.
extern "C" {
ssize_t __real_pwrite(int fd, const void* data, size_t size, off_t offset);
ssize_t __real_writev(int fd, const iovec* parts, int count);
int __real_fdatasync(int fd);
int __real_fsync(int fd);
void* __real_mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset);
ssize_t __wrap_pwrite(int fd, const void* data, size_t size, off_t offset);
ssize_t __wrap_writev(int fd, const iovec* parts, int count);
int __wrap_fdatasync(int fd);
int __wrap_fsync(int fd);
void* __wrap_mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset);
}

namespace sojourn::lmdb {
namespace {

thread_local WatchedCalls* watched = nullptr;
thread_local WatchedMaps* watched_maps = nullptr;

std::atomic<bool> fault_present = false;
std::mutex fault_mutex;
std::function<FileVerdict(FileCall)> fault;  // guarded by fault_mutex

FileVerdict verdict_of(FileCall call) {
  if (!fault_present.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(fault_mutex);
  return fault ? fault(call) : FileVerdict{};
}

ssize_t failed(int error) {
  errno = error;
  return -1;
}

// Remembers a write that found no room, or came out shorter than it should have.
ssize_t noted_write(size_t size, ssize_t written) {
  const bool full = written < 0 ? errno == ENOSPC || errno == EDQUOT || errno == EFBIG
                                : static_cast<size_t>(written) < size;
  if (full) watched->note_full_disk();
  return written;
}

bool beyond_limit(off_t offset, size_t size) {
  return offset >= 0 && static_cast<uint64_t>(offset) + size > watched->limit();
}

ssize_t watched_writev(int fd, const iovec* parts, int count) {
  const std::span all(parts, static_cast<size_t>(count));
  const size_t size = std::accumulate(all.begin(), all.end(), size_t{0},
                                      [](size_t sum, const iovec& p) { return sum + p.iov_len; });
  if (watched->limit() != WatchedCalls::kNoLimit && beyond_limit(lseek(fd, 0, SEEK_CUR), size)) {
    return failed(ENOSPC);
  }
  const FileVerdict verdict = verdict_of(FileCall::write);
  switch (verdict.kind) {
    case FileVerdict::Kind::fail:
      return noted_write(size, failed(verdict.error));
    case FileVerdict::Kind::write_half:
      return noted_write(size, __real_writev(fd, parts, count / 2));
    case FileVerdict::Kind::proceed:
      break;
  }
  return noted_write(size, __real_writev(fd, parts, count));
}

ssize_t watched_pwrite(int fd, const void* data, size_t size, off_t offset) {
  if (beyond_limit(offset, size)) return failed(ENOSPC);
  const FileVerdict verdict = verdict_of(FileCall::write);
  switch (verdict.kind) {
    case FileVerdict::Kind::fail:
      return noted_write(size, failed(verdict.error));
    case FileVerdict::Kind::write_half:
      return noted_write(size, __real_pwrite(fd, data, size / 2, offset));
    case FileVerdict::Kind::proceed:
      break;
  }
  return noted_write(size, __real_pwrite(fd, data, size, offset));
}

int watched_sync(int fd, int (*real)(int)) {
  const FileVerdict verdict = verdict_of(FileCall::sync);
  const int result =
      verdict.kind == FileVerdict::Kind::fail ? static_cast<int>(failed(verdict.error)) : real(fd);
  if (result != 0) watched->note_failed_sync();
  return result;
}

}  // namespace

WatchedCalls::WatchedCalls(uint64_t limit) : limit_(limit) {
  assert(watched == nullptr);
  watched = this;
}

WatchedCalls::~WatchedCalls() { watched = nullptr; }

bool is_watching_calls() { return watched != nullptr; }

WatchedMaps::WatchedMaps() {
  assert(watched_maps == nullptr);
  watched_maps = this;
}

WatchedMaps::~WatchedMaps() { watched_maps = nullptr; }

FileFault::FileFault(std::function<FileVerdict(FileCall)> decide) {
  const std::lock_guard lock(fault_mutex);
  assert(!fault);
  fault = std::move(decide);
  fault_present.store(true, std::memory_order_release);
}

FileFault::~FileFault() {
  const std::lock_guard lock(fault_mutex);
  fault_present.store(false, std::memory_order_release);
  fault = nullptr;
}

}  // namespace sojourn::lmdb

ssize_t __wrap_pwrite(int fd, const void* data, size_t size, off_t offset) {
  if (sojourn::lmdb::watched == nullptr) return __real_pwrite(fd, data, size, offset);
  return sojourn::lmdb::watched_pwrite(fd, data, size, offset);
}

ssize_t __wrap_writev(int fd, const iovec* parts, int count) {
  if (sojourn::lmdb::watched == nullptr) return __real_writev(fd, parts, count);
  return sojourn::lmdb::watched_writev(fd, parts, count);
}

int __wrap_fdatasync(int fd) {
  if (sojourn::lmdb::watched == nullptr) return __real_fdatasync(fd);
  return sojourn::lmdb::watched_sync(fd, __real_fdatasync);
}

int __wrap_fsync(int fd) {
  if (sojourn::lmdb::watched == nullptr) return __real_fsync(fd);
  return sojourn::lmdb::watched_sync(fd, __real_fsync);
}

void* __wrap_mmap(void* address, size_t size, int protection, int flags, int fd, off_t offset) {
  void* const made = __real_mmap(address, size, protection, flags, fd, offset);
  if (sojourn::lmdb::watched_maps != nullptr && made != MAP_FAILED) {
    sojourn::lmdb::watched_maps->note({static_cast<const char*>(made), size});
  }
  return made;
}
