// The command line: sojourn serve, sojourn config, sojourn check and the others of sojourn --help.
#pragma once

namespace sojourn::app {

// Reads the arguments and does what they ask. Returns the exit status: 0 when it was done, 1 when
// it failed (the reason is on standard error), 2 when the arguments or options are wrong. Ends the
// process with 74 when a store's file cannot be read (fatal_signals.h).
int run(int argc, char** argv);

}  // namespace sojourn::app
