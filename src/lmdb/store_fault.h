// What a fatal signal has to do with a store, for a handler of SIGBUS, SIGSEGV, SIGFPE and SIGABRT.
// A store is read through a memory map: a file that is cut, or a disk that cannot read or has no
// room, is a signal and not an error code; and LMDB aborts when it meets what cannot be.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

namespace sojourn::lmdb {

struct StoreFault {
  enum class Kind {
    memory,     // the address is that of a mapped file
    assertion,  // LMDB met what cannot be, and said so on standard error
    writing,    // this thread was changing the store; the address is none of a file
  };
  Kind kind;
  const char* file;   // its path; data.mdb where no file is known
  size_t offset = 0;  // in it; for `memory`
};

// Nothing: the signal has to do with no store. Async-signal-safe; on the thread of the signal.
std::optional<StoreFault> store_fault_at(const void* address);

// A file in memory, which store_fault_at() knows for as long as this lives; up to 16 of them.
class MappedFile {
 public:
  MappedFile(std::filesystem::path path, const char* address, size_t size);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  bool holds(const char* address) const { return address >= first_ && address < first_ + size_; }
  const char* path() const { return path_.c_str(); }
  size_t offset_of(const char* address) const { return static_cast<size_t>(address - first_); }

 private:
  const std::filesystem::path path_;
  const char* const first_;
  const size_t size_;
};

// Called by LMDB (mdb_env_set_assert) before it aborts.
void note_failed_assertion();

}  // namespace sojourn::lmdb
