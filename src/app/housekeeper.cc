#include "housekeeper.h"

#include <exception>

namespace sojourn::app {
namespace {

// Sessions, keys and events in one step: some milliseconds of the committer's time.
constexpr size_t kStepLimit = 500;
// How often the store is asked what is due when nothing was.
constexpr Duration kPause = std::chrono::milliseconds(200);
constexpr Duration kPauseAfterError = std::chrono::seconds(1);

}  // namespace

Housekeeper::Housekeeper(sessions::Context& context, Timer& timer, Log& log)
    : context_(context), timer_(timer), log_(log) {}

void Housekeeper::start() { step_after(kPause); }

void Housekeeper::step_after(Duration delay) {
  timer_.after(delay, [this] { step(); });
}

void Housekeeper::step() {
  step_.emplace(sessions::reap(context_, kStepLimit));
  const bool done =
      step_->start([](void* self) { static_cast<Housekeeper*>(self)->step_done(); }, this);
  if (done) step_done();
}

void Housekeeper::step_done() {
  Duration pause = kPause;
  std::string complaint;
  try {
    const auto reaped = step_->take();
    if (!reaped) complaint = reaped.error().detail;
    if (reaped && reaped->more) pause = Duration(0);
    if (reaped) {
      counters_.sessions.add(reaped->expired);
      counters_.keys.add(reaped->forgotten);
      counters_.events.add(reaped->trimmed);
    }
  } catch (const std::exception& error) {
    complaint = error.what();
  }
  if (!complaint.empty()) {
    pause = kPauseAfterError;
    counters_.failures.add();
    if (!failing_) {
      log_.write(LogLevel::error, "reaper.failed",
                 "What is over cannot be removed for now; it stays invisible, and is tried again.",
                 {{"reason", complaint}});
    }
  }
  failing_ = !complaint.empty();
  step_after(pause);  // the Task ends later, when the next one takes its place
}

}  // namespace sojourn::app
