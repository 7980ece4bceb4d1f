// Any bytes: the reader answers with an identity within its limits or with a sentence, never
// crashes.
#include <cstdint>
#include <cstdlib>

#include "base/text.h"
#include "body.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto result =
      sojourn::api::parse_body(std::string_view(reinterpret_cast<const char*>(data), size));
  if (result) {
    if (result->visit_id.size() > sojourn::domain::Identity::kMaxBytes) std::abort();
    if (!sojourn::is_utf8(result->visit_id) || !sojourn::is_utf8(result->global_visit_id)) {
      std::abort();
    }
  } else if (result.error().kind != sojourn::ErrorKind::invalid_body ||
             result.error().detail.empty() || !sojourn::is_utf8(result.error().detail)) {
    std::abort();
  }
  return 0;
}
