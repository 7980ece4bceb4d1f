// Events as CloudEvents 1.0, and the stream of them as server-sent events.
#pragma once

#include <string>

#include "domain/event.h"

namespace sojourn::api {

// {"specversion":"1.0","id":"17","source":"/tenants/1","type":"session.identified","subject":"<id>",
//  "time":"...","datacontenttype":"application/json","data":{"sessionId":"<id>","tenantId":"1",
//  "version":2,"cause":"requested","from":{"customerId":null},"to":{"customerId":"bob"}}}
//
// `source` and `id` name the event. `from` and `to` have the members that changed, null where there
// was no value; `from` is null for a created session, `to` for one that is over.
void append_cloud_event(std::string& out, const domain::LoggedEvent& logged);

// One message of an event stream (WHATWG HTML, 9.2.6): id, event and data.
void append_stream_message(std::string& out, const domain::LoggedEvent& logged);

}  // namespace sojourn::api
