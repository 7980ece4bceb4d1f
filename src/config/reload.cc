// Which options may change while the server runs: src/config/settings.cc says it of each.
#include "config/config.h"
#include "settings.h"

namespace sojourn::config {

Options reloaded(const Options& running, Options loaded, std::vector<std::string>& kept) {
  for (const Setting& setting : settings()) {
    if (setting.takes == Takes::live) continue;
    if (!setting.binding.same(running, loaded)) kept.push_back(setting.key);
    setting.binding.copy(loaded, running);
  }
  return loaded;
}

}  // namespace sojourn::config
