// Where a listener listens, as options write it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sojourn::http {

struct ListenAddress {
  std::string host;  // a name or an address, without the brackets of IPv6
  uint16_t port = 0;
};

// "HOST:PORT", an IPv6 host in brackets, the port 0 to 65535; nothing if `text` is not that. No
// name is looked up.
std::optional<ListenAddress> parse_listen_address(std::string_view text);

// How to write one, for complaints.
inline constexpr std::string_view kListenAddressForm =
    "write HOST:PORT, an IPv6 host in brackets, the port 0 to 65535";

}  // namespace sojourn::http
