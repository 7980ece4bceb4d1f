// The Client: who gets which command, and again after what. What to do is decided by CommandMachine
// and TopologyMachine; this carries it out.
#pragma once

#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "access.h"
#include "connection.h"
#include "net/loop_impl.h"
#include "redis/client.h"
#include "request.h"
#include "slot_map.h"
#include "topology_machine.h"

namespace sojourn::redis {

// What a ClusterClient is made of. Whatever runs on the loop keeps it alive for the moment, because
// those who are resumed may destroy the client.
class ClientCore final : public ConnectionOwner,
                         public net::Ticking,
                         public std::enable_shared_from_this<ClientCore> {
 public:
  ClientCore(net::Loop& loop, std::shared_ptr<const Access> access, Entropy& entropy, Log& log);

  // Sends it to the owner of its slot, or to `node` and to no other.
  RequestPtr begin(Command command, const NodeAddress* node);
  // Done, with an empty answer, once there is a map.
  RequestPtr begin_map_wait();
  const SlotMap* map() const { return map_ ? &*map_ : nullptr; }

  // Fails what waits: resumed later, by the loop.
  void close();
  // Closes, and resumes nobody.
  void abandon();

  const std::optional<Trouble>& trouble() const { return trouble_; }

  // Outlives this for those who read it.
  const std::shared_ptr<ClientCounters> counters = std::make_shared<ClientCounters>();

 private:
  void on_connected() override;
  void on_completed(const NodeAddress& node, std::vector<Pipeline::Completed> completed) override;
  void on_lost(const NodeAddress& node, bool was_open, Trouble why, Pipeline::Lost lost) override;
  void tick(SteadyTime now) override;

  RequestPtr made(Command command, CommandMachine::Persistence persistence, Duration timeout);
  void route(const RequestPtr& request, bool first_time);
  void act(const RequestPtr& request, CommandMachine::Step step, const NodeAddress* from);
  void park(const RequestPtr& request);
  void put_off(const RequestPtr& request, Duration most);
  void refuse(const RequestPtr& request);
  // Ends it; `how` counts it, unless it is the client's own question.
  void finish(const RequestPtr& request, Outcome outcome, Counter& how);
  // Closes; what had no outcome until now, to be told.
  std::vector<RequestPtr> end();
  void count(const Pipeline::Completed& one, SteadyTime now);
  void set_outcome(Request& request, Outcome outcome, Counter& how);

  void doubt(const NodeAddress* because_of);
  void ask_for_map();
  void ask(const NodeAddress& node);
  void on_map_reply(const Outcome& outcome, const NodeAddress& asked);
  Result<SlotMap> map_of(const Outcome& outcome, const NodeAddress& asked) const;
  Result<SlotMap> map_of_lone(const Reply& replication, const NodeAddress& asked) const;

  // Which connection to a node.
  struct Way {
    NodeAddress node;
    Lane lane = Lane::plain;
    size_t number = 0;  // 0: what only looks; else a share of the slots

    auto operator<=>(const Way&) const = default;
  };
  static Way way_of(const Command& command, const NodeAddress& node);
  Connection& connection(const Way& way);
  void close(Connection& connection);
  size_t pending_for(const NodeAddress& node) const;
  // What hangs on a server whose replica took over goes to the replica, or fails.
  void leave_former_masters(const SlotMap& before);
  void forget_other_nodes();

  net::Loop& loop_;
  const std::shared_ptr<const Access> access_;
  Entropy& entropy_;
  Log& log_;

  TopologyMachine topology_;
  std::optional<SlotMap> map_;
  std::map<Way, std::shared_ptr<Connection>> connections_;
  std::vector<RequestPtr> requests_;  // without an outcome
  std::vector<RequestPtr> parked_;    // of these: until there is a map
  size_t put_off_ = 0;                // of these: until a while has passed
  bool ticking_ = false;
  bool lone_ = false;  // the one server is no cluster, as far as it said
  std::optional<Trouble> trouble_;
  bool no_map_told_ = false;  // to the log
  bool closed_ = false;
};

class ClusterClient final : public Client {
 public:
  explicit ClusterClient(std::shared_ptr<ClientCore> core) : core_(std::move(core)) {}
  ~ClusterClient() override { core_->abandon(); }

  Task<Outcome> send(Command command) override;
  Task<std::expected<std::vector<NodeOutcome>, Failure>> send_to_all_masters(
      Command command) override;
  void close() override { core_->close(); }
  std::optional<Trouble> trouble() const override { return core_->trouble(); }
  std::shared_ptr<const ClientCounters> counters() const override { return core_->counters; }

 private:
  const std::shared_ptr<ClientCore> core_;
};

}  // namespace sojourn::redis
