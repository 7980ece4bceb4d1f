// The host and port of a request, as Host and the target of a request line hold them.
#pragma once

#include <string_view>

namespace sojourn::http {

// uri-host [ ":" port ] (RFC 9110 7.2), with the grammar of RFC 3986 3.2.2 and 3.2.3: a registered
// name or IPv4 address, an IPv6 address in brackets, percent-escapes that are whole, a port of
// digits alone. The host is not empty: "http" and "https" need one (RFC 9110 4.2.1). User names are
// refused (RFC 9110 4.2.4). So is a comma, though a registered name may hold one: proxies join two
// Host fields with it.
bool is_authority(std::string_view text);

}  // namespace sojourn::http
