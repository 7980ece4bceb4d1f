// An event of the log and an idempotency entry as bytes (docs/internals/data-format.md, "An event",
// "An idempotency entry"). Pure functions.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "domain/event.h"
#include "domain/idempotency.h"
#include "encoding/sealed.h"

namespace sojourn::encoding {

// The size of an event's value (seal_event) without its texts.
inline constexpr size_t kEventBytes = kSealBytes + 1 + 1 + 8 + 22 + 8 + 2 * (4 * 2 + 4);

// All of `event` but its tenant, which is in the key. Equal events have equal bodies and different
// ones different bodies. The identities' values are within their limit of 256 bytes, the attributes
// below 4 GiB.
std::string encoded_event(const domain::Event& event);

// The event of that body; every byte must have its use.
std::expected<domain::Event, RecordFault> decoded_event(std::string_view body,
                                                        const domain::TenantId& tenant);

// When the event of that body happened, without a look at the rest. Nothing: it is no body.
std::optional<Time> time_of_event(std::string_view body);

// The whole value of a body, to be stored under `key`. `out` has room for body.size() + kSealBytes
// bytes.
void seal_event(std::string_view key, std::string_view body, char* out);

// The body of a value, inside it. Checks version and checksum.
std::expected<std::string_view, RecordFault> open_event(std::string_view key,
                                                        std::string_view value);

// The whole value of an entry, to be stored under `key`, and back.
std::string encoded_entry(std::string_view key, const domain::IdempotencyEntry& entry);
std::expected<domain::IdempotencyEntry, RecordFault> decoded_entry(std::string_view key,
                                                                   std::string_view value);

}  // namespace sojourn::encoding
