// What is said when a signal ends the process: one line on standard error, and for a damaged store
// an exit status of its own. Never nothing.
#pragma once

namespace sojourn::app {

// The exit status of a process that could not go on with its store: sysexits.h's EX_IOERR.
inline constexpr int kStoreFault = 74;

// From now on, of SIGBUS, SIGSEGV, SIGFPE and SIGABRT on any thread: what has to do with a store's
// file ends the process with kStoreFault and a line that says which file, and what to run. All
// others end it as they would have, a core dump included, after a line that says which it was.
// Call once.
void explain_fatal_signals();

}  // namespace sojourn::app
