#include "system_entropy.h"

#include <sys/random.h>

#include <cerrno>
#include <system_error>

namespace sojourn::app {

void SystemEntropy::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    // Without randomness no id may be made: the request fails as INTERNAL.
    if (got <= 0) throw std::system_error(errno, std::generic_category(), "getrandom");
    out = out.subspan(static_cast<size_t>(got));
  }
}

}  // namespace sojourn::app
