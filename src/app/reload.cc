#include "reload.h"

#include <ctime>

#include "config/config.h"

namespace sojourn::app {

Reloader::Reloader(config::Options at_start, LoadOptions load, ApplyLive apply,
                   ReloadCounters& counters, Log& log)
    : running_(std::move(at_start)),
      load_(std::move(load)),
      apply_(std::move(apply)),
      counters_(counters),
      log_(log) {}

void Reloader::reload() {
  auto loaded = load_();
  if (!loaded) return fail(loaded.error());
  std::vector<std::string> kept;
  auto wanted = config::reloaded(running_, *std::move(loaded), kept);
  const auto live = make_live(wanted);
  if (!live) return fail(live.error());

  const bool in_force = apply_(*live);
  running_ = std::move(wanted);
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
