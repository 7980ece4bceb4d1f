#include "redis/redis_url.h"

#include <optional>

#include "base/text.h"

namespace sojourn::redis {
namespace {

constexpr size_t kMostNodes = 1000;  // as large as a Redis Cluster can be

std::unexpected<Error> wrong(std::string what) {
  return failure(ErrorKind::invalid_parameter,
                 "The URL of Redis " + what +
                     "; it looks like redis://[user:password@]host:port[,host:port...].");
}

// "host", "host:port", "[::1]:port"
Result<NodeAddress> parsed_node(std::string_view text) {
  NodeAddress node;
  std::string_view rest;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong("has a \"[\" without its \"]\"");
    node.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    if (!node.host.contains(':')) return wrong("has something else than an IPv6 address in []");
  } else {
    const size_t end = std::min(text.find(':'), text.size());
    node.host = text.substr(0, end);
    rest = text.substr(end);
  }
  if (node.host.empty()) return wrong("lacks a host");
  if (node.host.find_first_of(" []") != std::string::npos || has_control_characters(node.host)) {
    return wrong("has a host that is none");
  }
  if (!rest.empty()) {
    const auto port = rest.starts_with(':') ? parsed_port(rest.substr(1)) : std::nullopt;
    if (!port) return wrong("has a port that is none (1 to 65535; an IPv6 address stands in [])");
    node.port = *port;
  }
  return node;
}

}  // namespace

Result<RedisUrl> parsed_url(std::string_view text) {
  RedisUrl url;
  if (text.starts_with("rediss://")) {
    url.tls = true;
    text.remove_prefix(9);
  } else if (text.starts_with("redis://")) {
    text.remove_prefix(8);
  } else {
    return wrong("must begin with redis:// or, for TLS, rediss://");
  }

  // The last "@", so that a password with an unencoded one is not shown as part of a host.
  if (const size_t at = text.rfind('@'); at != std::string_view::npos) {
    const std::string_view userinfo = text.substr(0, at);
    const size_t colon = userinfo.find(':');
    if (colon == std::string_view::npos) {
      return wrong("has no \":\" before its \"@\" (a password alone is written :password@)");
    }
    if (userinfo.find_first_of("/@,?#") != std::string_view::npos) {
      return wrong("has one of / @ , ? # in its user or password, which must be percent-encoded");
    }
    const auto username = percent_decoded(userinfo.substr(0, colon));
    const auto password = percent_decoded(userinfo.substr(colon + 1));
    if (!username || !password) {
      return wrong("has a \"%\" in its user or password that must be written %25");
    }
    if (!username->empty() && password->empty()) return wrong("has a user without a password");
    url.username = *username;
    url.password = *password;
    text.remove_prefix(at + 1);
  }

  if (text.find_first_of("?#") != std::string_view::npos) {
    return wrong("must not have a query or a fragment");
  }
  if (const size_t slash = text.find('/'); slash != std::string_view::npos) {
    const std::string_view database = text.substr(slash + 1);
    if (!database.empty() && database != "0") {
      return wrong("must name database 0 or none: a cluster has no other");
    }
    text = text.substr(0, slash);
  }

  for (;;) {
    const size_t comma = std::min(text.find(','), text.size());
    auto node = parsed_node(text.substr(0, comma));
    if (!node) return std::unexpected(std::move(node.error()));
    url.nodes.push_back(*std::move(node));
    if (url.nodes.size() > kMostNodes) return wrong("has too many hosts");
    if (comma == text.size()) return url;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace sojourn::redis
