// A session as bytes (docs/internals/data-format.md, "A record"). Pure functions.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "domain/session.h"
#include "encoding/sealed.h"

namespace sojourn::encoding {

// All of `session` that a caller can see but tenant and id, which are the key. Equal sessions have
// equal bodies and different ones different bodies. The identity's values are within their limit of
// 256 bytes, the attributes below 4 GiB.
std::string encoded_body(const domain::Session& session);

// The session of that body; every byte must have its use.
std::expected<domain::Session, RecordFault> decoded_body(std::string_view body,
                                                         const domain::TenantId& tenant,
                                                         const domain::SessionId& id);

}  // namespace sojourn::encoding
