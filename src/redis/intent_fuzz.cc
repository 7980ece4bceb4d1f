// Any bytes are an intent in one way or none; also behind the checksum.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "intent.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sojourn;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (const auto intent = redis::decoded_intent("key", bytes)) {
    if (redis::encoded("key", *intent) != bytes) std::abort();
  }
  // Given the checksum that it should have.
  constexpr size_t kSealed = redis::kCommitNumberBytes;
  if (size < kSealed + encoding::kSealBytes) return 0;
  encoding::seal("key", 1, bytes.data() + kSealed, size - kSealed - encoding::kSealBytes);
  if (const auto intent = redis::decoded_intent("key", bytes)) {
    if (redis::encoded("key", *intent) != bytes) std::abort();
  }
  return 0;
}
