// Any bytes are an authority or none; one that is holds only what a URI may, and stays one when its
// port is taken away.
#include "authority.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!sojourn::http::is_authority(text)) return 0;
  if (text.find_first_of("@/?#,\\ \t\"<>") != text.npos) std::abort();
  for (const char c : text) {
    if (c <= ' ' || c > '~') std::abort();
  }
  const size_t colon = text.find(':', text.starts_with('[') ? text.find(']') : 0);
  if (!sojourn::http::is_authority(text.substr(0, colon))) std::abort();
  return 0;
}
