// Any bytes: the reader answers with an update within its limits or with a sentence, never crashes;
// and the attributes it hands on are an object that it would read again to the same text.
#include <cstdint>
#include <cstdlib>

#include "base/text.h"
#include "body.h"
#include "domain/attributes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto result =
      sojourn::api::parse_body(std::string_view(reinterpret_cast<const char*>(data), size));
  if (result) {
    const auto& identity = result->identity;
    if (identity.visit_id.size() > sojourn::domain::Identity::kMaxBytes) std::abort();
    if (!sojourn::is_utf8(identity.visit_id) || !sojourn::is_utf8(identity.global_visit_id)) {
      std::abort();
    }
    const std::string& attributes = result->attributes;
    if (!attributes.empty()) {
      const auto again = sojourn::api::parse_body(R"({"attributes":)" + attributes + "}");
      if (!again || again->attributes != attributes) std::abort();
      const auto merged = sojourn::domain::merged_attributes({}, attributes);
      if (merged && sojourn::domain::merged_attributes(*merged, "{}") != merged) std::abort();
    }
  } else if (result.error().kind != sojourn::ErrorKind::invalid_body ||
             result.error().detail.empty() || !sojourn::is_utf8(result.error().detail)) {
    std::abort();
  }
  return 0;
}
