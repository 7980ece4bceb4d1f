#include "live_options.h"

#include "access/key_file.h"

namespace sojourn::app {

std::expected<LiveOptions, std::string> make_live(const config::Options& options) {
  LiveOptions live{.tenants = std::make_shared<const sessions::Tenants>(options.tenants),
                   .events = options.events,
                   .api = options.api,
                   .keys = nullptr};
  if (!options.access.key_file.empty()) {
    auto keys = access::read_key_file(options.access.key_file);
    if (!keys) return std::unexpected(std::move(keys.error()));
    live.keys = std::make_shared<const access::KeyRing>(*std::move(keys));
  }
  return live;
}

}  // namespace sojourn::app
