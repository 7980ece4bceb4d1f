// What is sent to a Redis server, and what becomes of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "redis/node_address.h"
#include "redis/reply.h"

namespace sojourn::redis {

struct Command {
  // `slot`: of the command's keys (slot_of, slot.h). The arguments are copied, as RESP.
  Command(uint16_t slot, std::span<const std::string_view> arguments);
  Command(uint16_t slot, std::initializer_list<std::string_view> arguments);

  uint16_t slot;
  std::string bytes;

  // Doing it twice is no different from doing it once (a read): so it may be sent again when the
  // connection broke before its answer, and nobody knows whether it was executed.
  bool repeatable = false;

  // It changes something. Such commands go over several connections, those of one slot over one of
  // them.
  bool writes = false;

  // Ask, right behind it, that so many replicas acknowledge it (WAIT): see Answer::replicas. 0: do
  // not ask. How long is waited for them: RedisOptions::wait_timeout.
  size_t replicas = 0;
};

struct Answer {
  // May be an error reply: all but those that the client itself deals with (MOVED, ASK, TRYAGAIN,
  // CLUSTERDOWN, LOADING, MASTERDOWN, READONLY): NOSCRIPT, OOM, WRONGTYPE, NOPERM, ...
  Reply reply;
  // How many replicas acknowledged in time, where that was asked; fewer than asked, even none, does
  // not undo the command. 0 where `reply` is an error.
  size_t replicas = 0;
};

// Why there is no answer: overloaded or store_unavailable.
struct Failure {
  Error error;
  // The command was sent and its answer is lost: it may have been executed, or may yet be. False:
  // it certainly was not and will not be.
  bool maybe_executed = false;
};

using Outcome = std::expected<Answer, Failure>;

struct NodeOutcome {
  NodeAddress node;
  Outcome outcome;
};

}  // namespace sojourn::redis
