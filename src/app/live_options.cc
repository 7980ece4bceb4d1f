#include "live_options.h"

namespace sojourn::app {

std::expected<LiveOptions, std::string> make_live(const config::Options& options) {
  return LiveOptions{.tenants = std::make_shared<const sessions::Tenants>(options.tenants),
                     .events = options.events,
                     .api = options.api};
}

}  // namespace sojourn::app
