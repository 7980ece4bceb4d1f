#include "config/exposure.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>

#include "http/listen_address.h"

namespace sojourn::config {
namespace {

void add_exposure(std::vector<std::string>& all, std::string_view section,
                  const http::ServerOptions& listener, bool has_keys) {
  if (!http::parse_listen_address(listener.listen) || is_loopback(listener.listen)) return;
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

void add_weakenings(std::vector<std::string>& all, std::string_view section,
                    const http::TlsOptions& running, const http::TlsOptions& wanted) {
  if (!running.enabled()) return;
  if (!wanted.enabled()) {
    all.push_back(
        fmt::format("{}.tls.certificate is no longer set, which would turn off TLS", section));
    return;
  }
  const auto required = [](const http::TlsOptions& tls) {
    return !tls.client_ca.empty() && tls.client_auth != http::ClientAuth::optional;
  };
  if (!running.client_ca.empty() && wanted.client_ca.empty()) {
    all.push_back(fmt::format(
        "{}.tls.client_ca is no longer set, which would stop asking for client certificates",
        section));
  } else if (required(running) && !required(wanted)) {
    all.push_back(fmt::format(
        "{}.tls.client_auth is now \"optional\", which would let clients without a certificate in",
        section));
  }
}

}  // namespace

bool is_loopback(std::string_view listen) {
  auto address = http::parse_listen_address(listen);
  if (!address) return false;
  std::string& host = address->host;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  std::ranges::transform(host, host.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : static_cast<char>(c);
  });
  return host == "localhost";
}

std::vector<std::string> exposures(const Options& options) {
  const bool has_keys = !options.access.key_file.empty();
  std::vector<std::string> all;
  add_exposure(all, "http", options.http, has_keys);
  add_exposure(all, "admin", options.admin, has_keys);
  return all;
}

std::string keyless(const Options& options) {
  if (!options.access.key_file.empty() || !is_loopback(options.http.listen)) return {};
  return fmt::format(
      "No API keys are asked for: everyone who reaches {}, also through a proxy, can read, change "
      "and end sessions; set security.key_file to ask for keys.",
      options.http.listen);
}

std::vector<std::string> weakenings(const Options& running, const Options& wanted) {
  std::vector<std::string> all;
  if (wanted.allow_insecure) return all;
  if (!running.access.key_file.empty() && wanted.access.key_file.empty()) {
    all.emplace_back("security.key_file is no longer set, which would turn off API keys");
  }
  add_weakenings(all, "http", running.http.tls, wanted.http.tls);
  add_weakenings(all, "admin", running.admin.tls, wanted.admin.tls);
  return all;
}

}  // namespace sojourn::config
