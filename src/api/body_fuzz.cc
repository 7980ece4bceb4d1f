// Any bytes: the reader answers with an update within its limits or with a sentence, never crashes;
// and the attributes it hands on are an object that it would read again to the same text, and whose
// members sorted are the same bytes in another order.
#include <cstdint>
#include <cstdlib>

#include "base/text.h"
#include "body.h"
#include "domain/attributes.h"
#include "domain/canonical_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto result =
      sojourn::api::parse_body(std::string_view(reinterpret_cast<const char*>(data), size));
  if (result) {
    const auto& identity = result->identity;
    for (const auto* value : {&identity.agent_id, &identity.customer_id, &identity.visit_id,
                              &identity.global_visit_id}) {
      if (!sojourn::domain::is_identity_value(*value)) std::abort();
      if (sojourn::trimmed(*value) != *value) std::abort();
    }
    const std::string& attributes = result->attributes;
    if (!attributes.empty()) {
      const auto again = sojourn::api::parse_body(R"({"attributes":)" + attributes + "}");
      if (!again || again->attributes != attributes) std::abort();
      const std::string canonical = sojourn::domain::canonical_json(attributes);
      if (sojourn::domain::canonical_json(canonical) != canonical) std::abort();
      if (canonical.size() != attributes.size()) std::abort();  // members move, bytes stay
      const auto merged = sojourn::domain::merged_attributes({}, attributes);
      if (merged && sojourn::domain::merged_attributes(*merged, "{}") != merged) std::abort();
    }
  } else if (result.error().kind != sojourn::ErrorKind::invalid_body ||
             result.error().detail.empty() || !sojourn::is_utf8(result.error().detail)) {
    std::abort();
  }
  return 0;
}
