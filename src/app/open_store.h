// Which store there is: the only place that chooses.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "config/options.h"
#include "store/engine.h"

namespace sojourn::app {

struct OpenedStore {
  std::unique_ptr<store::Engine> engine;
  std::string name;  // for people, without secrets: "lmdb:./sojourn-data", "redis:10.0.0.1:6379"
};

// What open_store() would refuse without asking the store: for example a password file that cannot
// be read.
std::expected<void, std::string> check_store_options(const config::Options& options);

// A failure is one sentence that says what to do. `entropy` and `log` must outlive the store. A
// store that has to be waited for is not any more when `stop` says so.
std::expected<OpenedStore, std::string> open_store(const config::Options& options,
                                                   const Clock& clock, Entropy& entropy, Log& log,
                                                   const std::function<bool()>& stop);

}  // namespace sojourn::app
