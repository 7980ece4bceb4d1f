// What one loop's client counts: for metrics.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/counter.h"

namespace sojourn::redis {

// Upper bounds in nanoseconds: from a server beside us to a time-out.
inline constexpr uint64_t kDurations[] = {
    250'000,    500'000,     1'000'000,   2'500'000,   5'000'000,     10'000'000,    25'000'000,
    50'000'000, 100'000'000, 250'000'000, 500'000'000, 1'000'000'000, 2'500'000'000, 5'000'000'000};

// Since the client's making. Its loop counts, any thread reads.
struct ClientCounters {
  // Codes of error replies; whatever else a server says is the last. MOVED and ASK are redirects,
  // NOSCRIPT a script that is loaded again.
  static constexpr std::array<std::string_view, 17> kErrorCodes = {
      "MOVED",    "ASK",        "TRYAGAIN",  "CLUSTERDOWN", "LOADING", "MASTERDOWN",
      "READONLY", "BUSY",       "NOSCRIPT",  "OOM",         "NOPERM",  "NOAUTH",
      "MISCONF",  "NOREPLICAS", "WRONGTYPE", "ERR",         "_OTHER"};

  // Commands, by how they ended; the client's own questions are none.
  Counter begun;
  Counter answered;   // error replies included
  Counter timed_out;  // not answered in time, whatever was tried
  Counter lost;       // the connection broke before the answer, and it may not be sent again
  Counter refused;    // too many waited
  Distribution durations{kDurations};  // of those answered, retries included; nanoseconds

  Counter retried;      // sent, or tried to, once more; redirects are not counted
  Counter unconfirmed;  // carried out, and fewer replicas than asked for acknowledged it in time
  std::array<Counter, kErrorCodes.size()> errors;

  Counter connects;         // connections made
  Counter connects_failed;  // tries to
  Counter lost_connections;
  Counter closed_connections;  // by us
  Counter map_refreshes;       // slot maps taken in

  void count_error(std::string_view code) {
    size_t at = 0;
    while (at + 1 < kErrorCodes.size() && kErrorCodes[at] != code) ++at;
    errors[at].add();
  }

  // Commands without an answer now.
  uint64_t pending() const {
    const uint64_t ended = answered.value() + timed_out.value() + lost.value() + refused.value();
    return begun.value() - std::min(begun.value(), ended);
  }
  uint64_t connections() const {
    const uint64_t ended = lost_connections.value() + closed_connections.value();
    return connects.value() - std::min(connects.value(), ended);
  }
};

}  // namespace sojourn::redis
