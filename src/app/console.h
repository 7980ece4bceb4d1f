// What the commands say: results on standard output, everything else on standard error. A stream
// that takes nothing (a full disk, a closed pipe) ends no command in its middle: a lost result is
// noticed by results_are_out(), and a lost complaint cannot be told to anybody.
#pragma once

#include <string_view>

namespace sojourn::app {

// `text` on standard output, as it is.
void say(std::string_view text);

// `text` and a line break on standard error.
void note(std::string_view text);

// "sojourn: ", the sentence and a line break on standard error.
void complain(std::string_view sentence);

// Writes what is still buffered for standard output. False, and complains, if it did not take
// everything that was said.
bool results_are_out();

}  // namespace sojourn::app
