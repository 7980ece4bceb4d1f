#include "live_options.h"

#include "access/key_file.h"
#include "config/exposure.h"

namespace sojourn::app {
namespace {

http::ServerOptions limited(http::ServerOptions options, const DescriptorShares::Of& share) {
  options.max_connections = share.connections;
  options.max_turned_away = share.turned_away;
  return options;
}

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

std::expected<LiveOptions, std::string> make_live(const config::Loaded& loaded,
                                                  const DescriptorLimit& descriptors) {
  const config::Options& options = loaded.options;
  LiveOptions live{.tenants = std::make_shared<const sessions::Tenants>(options.tenants),
                   .events = options.events,
                   .client_limits = options.client_limits,
                   .api = options.api,
                   .cors = options.cors,
                   .log = options.log,
                   .warnings = loaded.warnings};
  live.security_warnings = config::exposures(options);
  if (!live.security_warnings.empty() && !options.allow_insecure) {
    return std::unexpected(live.security_warnings.front());
  }
  if (const std::string open = config::keyless(options); !open.empty()) {
    live.security_warnings.push_back(open);
  }
  const auto shares = share_descriptors(descriptors, options);
  if (!shares) return std::unexpected(shares.error());
  if (!shares->warning.empty()) live.warnings.push_back(shares->warning);
  auto http = make_setup(limited(options.http, shares->http), live.security_warnings);
  if (!http) return std::unexpected(http.error());
  live.http = *std::move(http);
  auto admin = make_setup(limited(options.admin, shares->admin), live.security_warnings);
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
