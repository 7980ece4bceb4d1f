// Any text of an Accept field, whole or as two fields cut at any of its commas, means the same; and
// lists are taken apart without losing or making bytes.
#include "http/accept.h"

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "http/fields.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sojourn::http;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<Field> whole{{"Accept", text}};
  const Preference found = preference_for(whole, "text/event-stream");
  if (found.weight < 0 || found.weight > 1000) std::abort();

  std::string_view rest = text;
  size_t bytes = 0;
  for (std::string_view element; !(element = take_element(rest)).empty();) {
    bytes += element.size();
    if (element.data() < text.data() || element.data() + element.size() > rest.data()) std::abort();
  }
  if (bytes > size || !rest.empty()) std::abort();

  rest = text;
  const std::string_view first = take_element(rest);
  const std::vector<Field> cut{{"Accept", first}, {"accept", rest}};
  const Preference again = preference_for(cut, "text/event-stream");
  if (again.weight != found.weight || again.by_name != found.by_name) std::abort();
  return 0;
}
