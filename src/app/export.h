// sojourn export and sojourn import: sessions as lines of JSON.
#pragma once

#include <filesystem>
#include <string>

#include "base/clock.h"

namespace sojourn::app {

// Writes one moment of the store, in use or not, to `output`, which appears when it is whole;
// empty: to standard output. Leaves out expired sessions, and the event log. The exit code.
// `stall_limit`: see stall_limit.h.
int export_sessions(const std::filesystem::path& data, const std::string& output,
                    Duration stall_limit);

// Makes the directory `data`, which is empty or made, a store of the lines of `input` (empty:
// standard input), all or nothing. Each session begins the new event log with session.created. The
// exit code.
int import_sessions(const std::string& input, const std::filesystem::path& data);

}  // namespace sojourn::app
