// What the log holds.
#pragma once

#include <cstddef>

#include "base/log.h"

namespace sojourn::telemetry {

struct LogOptions {
  // log.level: lines below it are left out.
  LogLevel level = LogLevel::info;
  // log.access: of how many requests of a loop one has a line, "1/100" being 100; 1: each has. 0:
  // none has.
  size_t access_every = 0;
};

}  // namespace sojourn::telemetry
