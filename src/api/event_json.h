// Events as CloudEvents 1.0, and the stream of them as server-sent events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domain/event.h"

namespace sojourn::api {

// A place in the log of a tenant as callers see it: a number in decimal digits. Nothing: the text
// is none that this server gave.
std::optional<uint64_t> parsed_cursor(std::string_view text);
void append_cursor(std::string& out, uint64_t place);  // with its quotes

// {"specversion":"1.0","id":"17","source":"/tenants/1","type":"session.identified","subject":"<id>",
//  "time":"...","datacontenttype":"application/json","data":{"sessionId":"<id>","tenantId":"1",
//  "version":2,"cause":"requested","from":{"customerId":null},"to":{"customerId":"bob"}}}
//
// `source` and `id` name the event. `from` and `to` have the members that changed, null where there
// was no value; `from` is null for a created session, `to` for one that is over.
void append_cloud_event(std::string& out, const domain::LoggedEvent& logged);

// One message of an event stream (WHATWG HTML, 9.2.6): id, event and data.
void append_stream_message(std::string& out, const domain::LoggedEvent& logged);

// The message that there is a gap in a stream: the reader was at `after`, the stream goes on from
// `from`, which is its id.
void append_stream_gap(std::string& out, uint64_t after, uint64_t from);

}  // namespace sojourn::api
