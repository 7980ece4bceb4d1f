#include "console.h"

#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>

namespace sojourn::app {
namespace {

// Why the first write to standard output failed: a later flush may succeed, with that part missing.
int output_error = 0;

void remember_error() {
  if (output_error == 0) output_error = errno != 0 ? errno : EIO;
}

}  // namespace

void say(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) remember_error();
}

void note(std::string_view text) {
  const std::string line = std::string(text) + "\n";  // one write: lines of several stay whole
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void complain(std::string_view sentence) { note("sojourn: " + std::string(sentence)); }

bool results_are_out() {
  errno = 0;
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) remember_error();
  if (output_error == 0) return true;
  complain("standard output cannot be written: " + std::generic_category().message(output_error) +
           ".");
  return false;
}

}  // namespace sojourn::app
