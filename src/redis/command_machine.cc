#include "command_machine.h"

#include <optional>

#include "backoff.h"
#include "slot_map.h"

namespace sojourn::redis {
namespace {

// A command that is sent in a circle has met nodes that disagree: they need a moment.
constexpr size_t kMostRedirectsInARow = 5;

constexpr Duration kFirstDelay = std::chrono::milliseconds(10);
constexpr Duration kLongestDelay = std::chrono::milliseconds(250);

// "MOVED 3999 127.0.0.1:6381", "ASK 3999 ::1:6381"
std::optional<NodeAddress> target_of(std::string_view redirect) {
  const size_t space = redirect.rfind(' ');
  const size_t colon = redirect.rfind(':');
  if (space == std::string_view::npos || colon == std::string_view::npos || colon < space) {
    return std::nullopt;
  }
  const auto port = parsed_port(redirect.substr(colon + 1));
  if (!port) return std::nullopt;
  return NodeAddress{std::string(redirect.substr(space + 1, colon - space - 1)), *port};
}

}  // namespace

CommandMachine::Step CommandMachine::on_reply(const Reply& reply, const NodeAddress& from) {
  reached_ = true;
  if (!reply.is_error() || persistence_ == Persistence::once) return Finish{};
  const std::string_view code = reply.error_code();
  if (code == "MOVED" || code == "ASK") {
    auto target = target_of(reply.text);
    if (!target || ++redirects_ > kMostRedirectsInARow) {
      redirects_ = 0;
      return try_later(true);
    }
    return Redirect{.node = completed(*std::move(target), from), .asking = code == "ASK"};
  }
  // Some keys of it are here and some there, until the slot has moved. BUSY: a script runs for
  // long.
  if (code == "TRYAGAIN" || code == "BUSY") return try_later(false);
  if (code == "CLUSTERDOWN" || code == "MASTERDOWN" || code == "LOADING" || code == "READONLY") {
    return try_later(true);
  }
  return Finish{};
}

CommandMachine::Step CommandMachine::on_no_owner() { return try_later(true); }

CommandMachine::Step CommandMachine::on_unsent() { return try_later(true); }

CommandMachine::Step CommandMachine::on_lost() {
  maybe_executed_ = true;
  if (!repeatable_) return GiveUp{on_deadline(true)};
  return try_later(true);
}

Failure CommandMachine::on_deadline(bool sent) const {
  const bool maybe = maybe_executed_ || sent;
  return {.error = {ErrorKind::store_unavailable,
                    maybe || reached_ ? "The session store did not answer in time; try again later."
                                      : "The session store cannot be reached; try again later."},
          .maybe_executed = maybe};
}

CommandMachine::Step CommandMachine::try_later(bool doubt_map) {
  if (persistence_ == Persistence::once) return GiveUp{on_deadline(false)};
  redirects_ = 0;
  return TryLater{.delay = backoff(later_++, kFirstDelay, kLongestDelay), .doubt_map = doubt_map};
}

}  // namespace sojourn::redis
