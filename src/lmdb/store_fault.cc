#include "store_fault.h"

#include <array>
#include <atomic>
#include <utility>

#include "file_operations.h"

namespace sojourn::lmdb {
namespace {

// A signal handler cannot be handed anything: hence these belong to nobody.
std::array<std::atomic<const MappedFile*>, 16> mapped;
static_assert(std::atomic<const MappedFile*>::is_always_lock_free);
thread_local bool assertion_failed = false;

}  // namespace

std::optional<StoreFault> store_fault_at(const void* address) {
  const auto* const byte = static_cast<const char*>(address);
  const char* some_file = nullptr;
  for (const auto& place : mapped) {
    const MappedFile* const file = place.load();
    if (file == nullptr) continue;
    some_file = file->path();  // the data file is mapped last
    if (file->holds(byte)) {
      return StoreFault{StoreFault::Kind::memory, file->path(), file->offset_of(byte)};
    }
  }
  if (some_file == nullptr) return std::nullopt;
  if (assertion_failed) return StoreFault{StoreFault::Kind::assertion, some_file};
  if (is_watching_calls()) return StoreFault{StoreFault::Kind::writing, some_file};
  return std::nullopt;
}

MappedFile::MappedFile(std::filesystem::path path, const char* address, size_t size)
    : path_(std::move(path)), first_(address), size_(size) {
  for (auto& place : mapped) {
    const MappedFile* none = nullptr;
    if (place.compare_exchange_strong(none, this)) return;
  }
}

MappedFile::~MappedFile() {
  for (auto& place : mapped) {
    const MappedFile* self = this;
    if (place.compare_exchange_strong(self, nullptr)) return;
  }
}

void note_failed_assertion() { assertion_failed = true; }

}  // namespace sojourn::lmdb
