// A Client that waits on the loop's thread for each answer: small, obviously right, and slow. Tests
// of the store use it where the way the bytes travel is not the matter.
#pragma once

#include <map>
#include <memory>

#include "redis/client.h"

struct redisContext;

namespace sojourn::redis::testing {

class BlockingClient final : public Client {
 public:
  explicit BlockingClient(NodeAddress first);
  ~BlockingClient() override;

  Task<Outcome> send(Command command) override;
  Task<std::expected<std::vector<NodeOutcome>, Failure>> send_to_all_masters(
      Command command) override;
  void close() override;
  std::shared_ptr<const ClientCounters> counters() const override { return counters_; }

 private:
  struct Closer {
    void operator()(redisContext* context) const;
  };
  using Connection = std::unique_ptr<redisContext, Closer>;

  Outcome ask(const NodeAddress& node, const std::string& bytes);
  std::vector<NodeAddress> masters();

  const NodeAddress first_;
  std::map<NodeAddress, Connection> connections_;
  std::map<uint16_t, NodeAddress> slots_;
  const std::shared_ptr<ClientCounters> counters_ = std::make_shared<ClientCounters>();
};

}  // namespace sojourn::redis::testing
