// sojourn check: whether a data directory is what it should be.
#pragma once

#include <filesystem>

namespace sojourn::app {

// Prints a line `TABLE COUNT` for every table and one for every problem found. Returns the exit
// status: 0 when every page is accounted for and every table agrees with every other, 1 when not or
// when the directory cannot be read. Works in a child process, so that nothing it reads can end it
// without a word: call it before there are other threads. The directory may be in use by a running
// server.
int check(const std::filesystem::path& data);

}  // namespace sojourn::app
