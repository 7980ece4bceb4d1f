#include "live_options.h"

#include "access/key_file.h"
#include "config/exposure.h"

namespace sojourn::app {
namespace {

std::expected<http::ServerSetup, std::string> make_setup(const http::ServerOptions& options,
                                                         std::vector<std::string>& warnings) {
  auto setup = http::ServerSetup::make(options);
  if (!setup) return std::unexpected(setup.error().detail);
  if (setup->tls) {
    warnings.insert(warnings.end(), setup->tls->warnings().begin(), setup->tls->warnings().end());
  }
  return *std::move(setup);
}

}  // namespace

std::expected<LiveOptions, std::string> make_live(const config::Options& options) {
  LiveOptions live{.tenants = std::make_shared<const sessions::Tenants>(options.tenants),
                   .events = options.events,
                   .client_limits = options.client_limits,
                   .api = options.api,
                   .cors = options.cors,
                   .log = options.log};
  live.warnings = config::exposures(options);
  if (!live.warnings.empty() && !options.allow_insecure) {
    return std::unexpected(live.warnings.front());
  }
  auto http = make_setup(options.http, live.warnings);
  if (!http) return std::unexpected(http.error());
  live.http = *std::move(http);
  auto admin = make_setup(options.admin, live.warnings);
  if (!admin) return std::unexpected(admin.error());
  live.admin = *std::move(admin);
  if (!options.access.key_file.empty()) {
    auto keys = access::read_key_file(options.access.key_file);
    if (!keys) return std::unexpected(std::move(keys.error()));
    live.keys = std::make_shared<const access::KeyRing>(*std::move(keys));
  }
  return live;
}

}  // namespace sojourn::app
