// A command on its way.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "command_machine.h"
#include "redis/command.h"

namespace sojourn::redis {

using SteadyTime = std::chrono::steady_clock::time_point;

// Shared by the client, the connection it is on, and whoever waits for it. Loop's thread only.
struct Request {
  Request(Command given, SteadyTime until, CommandMachine::Persistence persistence)
      : command(std::move(given)), deadline(until), machine(command.repeatable, persistence) {}

  bool is_done() const { return outcome.has_value(); }

  const Command command;
  const SteadyTime deadline;
  CommandMachine machine;

  std::optional<NodeAddress> node;  // goes to this node, whatever its slot
  bool pinned = false;              // and to no other, ever
  bool for_map = false;             // is sent to nobody: done once there is a map
  bool asking = false;              // is sent with ASKING this time
  bool sent = false;                // its bytes were handed to a connection that lives, unanswered

  std::optional<Outcome> outcome;
  std::move_only_function<void()> on_done;  // may be empty: nobody waits
  size_t place = 0;                         // among the client's requests
};
using RequestPtr = std::shared_ptr<Request>;

}  // namespace sojourn::redis
