// Which client a request is from, when proxies are in between.
#pragma once

#include <span>

#include "http/ip_address.h"
#include "http/message.h"

namespace sojourn::http {

// Whether one of them holds the address.
bool is_trusted(const IpAddress& address, std::span<const IpNetwork> trusted);

// The peer, when it is not `trusted`, whatever the fields say. Else what it says whom it serves:
// the last entry of Forwarded (RFC 7239) or, without that field, of X-Forwarded-For; and so on to
// the left while that is a trusted proxy too. So what a client wrote there itself, which stands
// left of what the proxies say, is never believed. An entry that names no address (`unknown`,
// `_hidden`, malformed) ends the way: then it is the last that was found.
IpAddress client_address(const IpAddress& peer, std::span<const Field> fields,
                         std::span<const IpNetwork> trusted);

}  // namespace sojourn::http
