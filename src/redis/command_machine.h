// What becomes of one command, decided without I/O: it is told what happened and answers what to
// do next.
//
// The one rule about trying again: what certainly was not executed may be sent again; what was sent
// and not answered may not, unless the command is repeatable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>

#include "base/clock.h"
#include "redis/command.h"
#include "redis/node_address.h"
#include "redis/reply.h"

namespace sojourn::redis {

class CommandMachine {
 public:
  // Send it to whoever serves its slot by the map.
  struct SendToOwner {};
  // Send it to this node: at once, with ASKING before it where the slot is on its way to that node;
  // where it is not, the map was wrong about the slot, which is that node's now.
  struct Redirect {
    NodeAddress node;
    bool asking;
  };
  // Send it to whoever serves its slot then, after so long at most (see jittered()). Where the map
  // is doubted, ask for a new one meanwhile.
  struct TryLater {
    Duration delay;
    bool doubt_map;
  };
  // It is answered, with the reply at hand.
  struct Finish {};
  // It is not answered.
  struct GiveUp {
    Failure failure;
  };
  using Step = std::variant<SendToOwner, Redirect, TryLater, Finish, GiveUp>;

  enum class Persistence {
    until_deadline,
    once,  // any reply is the answer, any trouble the end: for questions that another node can
           // answer as well
  };

  CommandMachine(bool repeatable, Persistence persistence)
      : repeatable_(repeatable), persistence_(persistence) {}

  Step start() const { return SendToOwner{}; }
  // `from`: the node that sent it.
  Step on_reply(const Reply& reply, const NodeAddress& from);
  // By the map, nobody serves its slot.
  Step on_no_owner();
  // There was no connection to send it on, or it broke before this was sent.
  Step on_unsent();
  // It was sent, and the connection broke before its reply.
  Step on_lost();
  // Its time is over. `sent`: it was sent and is not answered.
  Failure on_deadline(bool sent) const;

  Persistence persistence() const { return persistence_; }

 private:
  Step try_later(bool doubt_map);

  const bool repeatable_;
  const Persistence persistence_;
  bool maybe_executed_ = false;
  bool reached_ = false;  // some node has answered
  size_t redirects_ = 0;  // in a row
  size_t later_ = 0;      // how often it was put off
};

}  // namespace sojourn::redis
