// One connection to one Redis server, which opens itself when there is something to send and again
// after it broke. What is said is decided by ConnectMachine and Pipeline; this is the I/O.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "access.h"
#include "base/entropy.h"
#include "base/log.h"
#include "connect_machine.h"
#include "net/loop.h"
#include "pipeline.h"

namespace sojourn::redis {

// All calls, both ways, are made on the loop's thread.
class ConnectionOwner {
 public:
  virtual ~ConnectionOwner() = default;
  virtual void on_connected() = 0;
  virtual void on_completed(const NodeAddress& node,
                            std::vector<Pipeline::Completed> completed) = 0;
  // It broke, or could not be opened. `add` nothing while is_pausing().
  virtual void on_lost(const NodeAddress& node, bool was_open, Trouble why,
                       Pipeline::Lost lost) = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(NodeAddress node, Lane lane, net::Loop& loop, std::shared_ptr<const Access> access,
             Entropy& entropy, Log& log, std::weak_ptr<ConnectionOwner> owner);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // What is added in one turn of the loop is written at once. Not while is_pausing().
  void add(RequestPtr request);
  bool is_pausing() const { return machine_.is_pausing(); }
  bool is_open() const { return link_ != nullptr && machine_.is_ready(); }
  size_t size() const { return pipeline_.size(); }
  const NodeAddress& node() const { return node_; }

  // Breaks the connection when it takes too long to open, or a reply is overdue.
  void tick(SteadyTime now);

  // A reply is late, though not yet too late.
  bool is_stalled(SteadyTime now) const;

  // Breaks the connection, if there is one: what was sent over it is not waited for any longer.
  void give_up(std::string_view reason);

  // Closes it for good, without a word to the owner.
  void close();

 private:
  struct Link;

  void open();
  template <class Endpoints>
  void connect(const std::shared_ptr<Link>& link, const Endpoints& endpoints);
  void shake_hands(const std::shared_ptr<Link>& link);
  void greet(const std::shared_ptr<Link>& link);
  void flush_soon();
  void flush();
  void write(const std::shared_ptr<Link>& link);
  void read(const std::shared_ptr<Link>& link);
  void on_bytes(const std::shared_ptr<Link>& link, size_t size);
  // The first thing wrong with the bytes, if any.
  std::optional<Trouble> take_replies(Link& link, std::vector<Pipeline::Completed>& completed);
  void fail(Trouble why);

  const NodeAddress node_;
  net::Loop& loop_;
  const std::shared_ptr<const Access> access_;
  Entropy& entropy_;
  Log& log_;
  const std::weak_ptr<ConnectionOwner> owner_;
  const Duration longest_reply_;

  ConnectMachine machine_;
  Pipeline pipeline_;
  std::shared_ptr<Link> link_;  // null: not open, and not being opened
  SteadyTime open_until_;       // while it is being opened
  bool flushing_ = false;       // a flush is to come, or bytes are being written
  bool closed_ = false;
};

}  // namespace sojourn::redis
