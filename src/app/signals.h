// The signals that tell the server what to do.
#pragma once

namespace sojourn::app {

// From its making on, SIGTERM, SIGINT and SIGHUP come to wait() alone. Made before any
// thread starts, so that every thread inherits the mask.
class Signals {
 public:
  Signals();

  // Waits for the next of them: SIGTERM, SIGINT or SIGHUP.
  int wait() const;

  // SIGTERM or SIGINT has come and is still to be waited for. Any thread.
  bool end_is_asked_for() const;
};

}  // namespace sojourn::app
