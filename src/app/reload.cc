#include "reload.h"

#include <fmt/format.h>

#include <ctime>

#include "config/config.h"
#include "config/exposure.h"

namespace sojourn::app {

Reloader::Reloader(config::Options at_start, const DescriptorLimit& descriptors, LoadOptions load,
                   ApplyLive apply, ReloadCounters& counters, Log& log)
    : running_(std::move(at_start)),
      descriptors_(descriptors),
      load_(std::move(load)),
      apply_(std::move(apply)),
      counters_(counters),
      log_(log) {}

void Reloader::reload() {
  auto loaded = load_();
  if (!loaded) return fail(loaded.error());
  if (loaded->file_is_empty) {
    return fail(
        "the configuration file is empty, as it is while it is being written or after a disk was "
        "full; if all defaults are meant, put a comment into it");
  }
  std::vector<std::string> kept;
  loaded->options = config::reloaded(running_, std::move(loaded->options), kept);
  const auto live = make_live(*loaded, descriptors_);
  if (!live) return fail(live.error());
  if (const auto weaker = config::weakenings(running_, loaded->options); !weaker.empty()) {
    return fail(fmt::format("{}; put it back, or set security.allow_insecure = true if it is meant",
                            fmt::join(weaker, "; ")));
  }

  const bool in_force = apply_(*live);
  running_ = std::move(loaded->options);
  for (const std::string& key : kept) {
    log_.write(LogLevel::warning, "config.needs_restart",
               "This option needs a restart; it keeps its old value.", {{"option", key}});
  }
  ++counters_.succeeded;
  counters_.last_failed = false;
  counters_.last_good_time = std::time(nullptr);
  if (in_force) {
    log_.write(LogLevel::info, "config.reloaded", "The options that can change are in force.");
  } else {
    log_.write(LogLevel::warning, "config.reloading",
               "The options that can change come into force as soon as every thread is free.");
  }
}

void Reloader::fail(const std::string& reason) {
  ++counters_.failed;
  counters_.last_failed = true;
  log_.write(LogLevel::error, "config.reload_failed",
             "The options stay as they were; correct them and send SIGHUP again.",
             {{"reason", reason}});
}

}  // namespace sojourn::app
