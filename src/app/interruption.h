// SIGINT, SIGTERM and SIGHUP, for commands that hold something of a store: they let go of it first,
// and then end as the signal would have ended them.
#pragma once

namespace sojourn::app {

// At most one at a time. From its making on these signals are noted, and a system call that waits
// is broken off (EINTR). One that the caller had set to be ignored, as nohup does, stays
// so.
class Interruption {
 public:
  Interruption();

  // One of them came.
  bool came() const;

  // Ends the process by the signal that came, so that a shell sees how it ended; returns when none
  // did.
  void end_by_it() const;
};

}  // namespace sojourn::app
