// Any query: a parameter that is found is one that the query has, and one that was never in it is
// not found; what is unknown is refused in a sentence.
#include "http/query.h"

#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sojourn::http;
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  const auto found = parameter(query, "a");
  constexpr std::array<std::string_view, 1> kOthers{"b"};
  const auto only_others = check_parameters(query, kOthers);
  if (only_others && (!found || *found)) std::abort();
  if (!only_others &&
      (only_others.error().detail.size() > 300 || !only_others.error().detail.ends_with('.'))) {
    std::abort();
  }
  if (found && *found) {
    std::string rebuilt = "a=";
    sojourn::append_percent_encoded(rebuilt, **found);
    if (parameter(rebuilt, "a") != found) std::abort();
  }
  return 0;
}
