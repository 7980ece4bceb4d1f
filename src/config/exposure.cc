#include "config/exposure.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <optional>

namespace sojourn::config {
namespace {

// Without the brackets of IPv6; nothing when it cannot be HOST:PORT.
std::optional<std::string> host_of(std::string_view listen) {
  const size_t colon = listen.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  std::string_view host = listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

void add_exposure(std::vector<std::string>& all, std::string_view section,
                  const http::ServerOptions& listener, bool has_keys) {
  if (!host_of(listener.listen) || is_loopback(listener.listen)) return;
  if (has_keys && listener.tls.enabled()) return;
  std::string missing = has_keys ? "" : "API keys (security.key_file)";
  if (!listener.tls.enabled()) {
    missing += fmt::format("{}TLS ({}.tls.certificate and {}.tls.key)",
                           missing.empty() ? "" : " and ", section, section);
  }
  all.push_back(fmt::format(
      "{}.listen is {}, which other machines can reach, without {}: set what is missing, listen on "
      "a loopback address such as 127.0.0.1, or accept the risk with security.allow_insecure = "
      "true.",
      section, listener.listen, missing));
}

}  // namespace

bool is_loopback(std::string_view listen) {
  auto host = host_of(listen);
  if (!host) return false;
  in_addr v4{};
  if (inet_pton(AF_INET, host->c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host->c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  std::ranges::transform(*host, host->begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  });
  return *host == "localhost";
}

std::vector<std::string> exposures(const Options& options) {
  const bool has_keys = !options.access.key_file.empty();
  std::vector<std::string> all;
  add_exposure(all, "http", options.http, has_keys);
  add_exposure(all, "admin", options.admin, has_keys);
  return all;
}

}  // namespace sojourn::config
