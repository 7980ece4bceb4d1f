// Descriptors 0, 1 and 2 belong to standard input, output and error, open or not.
#pragma once

namespace sojourn::app {

// If a caller closed one of them, the next file to be opened takes its number: the store would then
// receive the log. So /dev/null is opened in the place of each that is missing, in the direction
// that nobody uses: reading from such a standard input, or writing to such an output, fails as if
// it were still closed, and nothing is lost silently. Call before anything else opens a file. False
// if that fails: then nothing may be opened.
bool open_missing_standard_descriptors();

}  // namespace sojourn::app
