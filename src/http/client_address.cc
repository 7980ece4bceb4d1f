#include "client_address.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "base/text.h"
#include "http/fields.h"

namespace sojourn::http {
namespace {

// True when the character at `at` has an odd number of backslashes before it.
bool is_escaped(std::string_view text, size_t at) {
  size_t backslashes = 0;
  while (backslashes < at && text[at - 1 - backslashes] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

// Takes what is behind the last separator that is in no quotes off the end of `list`. Read from the
// right, because there is what trusted proxies wrote: an open quote that a client left on the left
// of it changes nothing here.
std::string_view take_last(std::string_view& list, char separator) {
  bool quoted = false;
  for (size_t i = list.size(); i-- > 0;) {
    if (list[i] == '"' && !is_escaped(list, i)) quoted = !quoted;
    if (list[i] == separator && !quoted) {
      const std::string_view last = list.substr(i + 1);
      list = list.substr(0, i);
      return trimmed(last);
    }
  }
  return trimmed(std::exchange(list, {}));
}

// An address, with or without a port: "192.0.2.1:80", "2001:db8::1", "[2001:db8::1]:80".
std::optional<IpAddress> read_node(std::string_view node) {
  if (const auto address = IpAddress::parse(node)) return address;
  const size_t colon = node.rfind(':');
  std::string_view host = node;
  if (colon != node.npos && !node.ends_with(']')) {
    const std::string_view port = node.substr(colon + 1);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != port.npos) {
      return std::nullopt;
    }
    host = node.substr(0, colon);
  }
  const bool bracketed = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool v6 = host.find(':') != host.npos;
  return v6 == bracketed ? IpAddress::parse(host) : std::nullopt;
}

// The `for` of an element such as for="[2001:db8::1]:80";proto=https, which must stand there once.
std::optional<IpAddress> read_forwarded(std::string_view element) {
  std::optional<IpAddress> found;
  while (!element.empty()) {
    const std::string_view pair = take_last(element, ';');
    if (!equals_ignoring_case(pair.substr(0, pair.find('=')), "for")) continue;
    if (found || pair.size() < 4) return std::nullopt;
    std::string_view node = pair.substr(4);
    if (node.size() >= 2 && node.starts_with('"') && node.ends_with('"')) {
      node = node.substr(1, node.size() - 2);
    }
    found = read_node(node);
    if (!found) return std::nullopt;
  }
  return found;
}

}  // namespace

bool is_trusted(const IpAddress& address, std::span<const IpNetwork> trusted) {
  return std::ranges::any_of(trusted, [&](const auto& one) { return one.contains(address); });
}

IpAddress client_address(const IpAddress& peer, std::span<const Field> fields,
                         std::span<const IpNetwork> trusted) {
  if (!is_trusted(peer, trusted)) return peer;
  const bool forwarded = !values_of(fields, "Forwarded").empty();
  const std::string_view name = forwarded ? "Forwarded" : "X-Forwarded-For";
  IpAddress client = peer;
  // Several fields are one list, in their order.
  for (std::string_view list : values_of(fields, name) | std::views::reverse) {
    while (!list.empty()) {
      const std::string_view entry = take_last(list, ',');
      const auto address = forwarded ? read_forwarded(entry) : read_node(entry);
      if (!address) return client;
      client = *address;
      if (!is_trusted(client, trusted)) return client;
    }
  }
  return client;
}

}  // namespace sojourn::http
