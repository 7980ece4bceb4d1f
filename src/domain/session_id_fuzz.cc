// Any text is an id in one way or none: what parses is written back as it was read, in upper case.
#include <cstdlib>

#include "base/text.h"
#include "domain/session_id.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto id = sojourn::domain::SessionId::parse(text)) {
    const std::string written = id->text();
    if (!sojourn::equals_ignoring_case(written, text)) std::abort();
    if (sojourn::domain::SessionId::parse(written) != id) std::abort();
  }
  return 0;
}
