// The requests of one connection: those to be written, and those that are, in the order in which
// their replies come. No I/O.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "redis/reply.h"
#include "request.h"

namespace sojourn::redis {

// What a connection carries.
enum class Lane {
  plain,  // as many batches at once as there are
  // Commands that ask for replicas. WAIT holds up its connection until replicas have acknowledged
  // all that was written on it before: so one WAIT closes each batch, and the next batch gathers
  // meanwhile.
  replicated,
};

class Pipeline {
 public:
  Pipeline(Lane lane, Duration wait_timeout) : lane_(lane), wait_timeout_(wait_timeout) {}

  void add(RequestPtr request);

  // Appends to `out` the next batch, about `most` bytes; returns whether there is one. Requests
  // that are done, because their time was over, are left out.
  bool write(std::string& out, size_t most, SteadyTime now);

  struct Completed {
    RequestPtr request;
    Reply reply;
    size_t replicas = 0;
  };
  // Takes the next reply and appends what it completes. False: a reply that nobody asked for.
  bool on_reply(Reply reply, SteadyTime now, std::vector<Completed>& completed);

  struct Lost {
    std::vector<RequestPtr> unsent;
    std::vector<RequestPtr> sent;      // and not answered
    std::vector<Completed> completed;  // answered, but nobody knows by how many replicas
  };
  // The connection is no more. Afterwards the pipeline is empty, and of use for the next one.
  Lost on_lost();

  // Since when the reply that is due next is waited for. Absent: none is.
  std::optional<SteadyTime> waiting_since() const;

  // Requests, written or not.
  size_t size() const { return unsent_.size() + in_flight_.size() + acknowledging_.size(); }
  bool has_unsent() const { return !unsent_.empty(); }

 private:
  enum class Kind { asking, command, wait };
  struct Entry {
    Kind kind;
    RequestPtr request;  // of a command
    SteadyTime written;
  };

  const Lane lane_;
  const Duration wait_timeout_;
  std::deque<RequestPtr> unsent_;
  std::deque<Entry> in_flight_;
  std::vector<Completed> acknowledging_;  // answered, and their WAIT not yet
};

}  // namespace sojourn::redis
