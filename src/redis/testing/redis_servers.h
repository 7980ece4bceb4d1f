// Real Redis servers for tests: started by tools/redis-cluster when they are first asked for, and
// stopped when the test program ends.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/entropy.h"
#include "redis/redis_store.h"

namespace sojourn::redis::testing {

class RedisServers {
 public:
  // `arguments` of tools/redis-cluster start.
  explicit RedisServers(const std::string& arguments);
  ~RedisServers();
  RedisServers(const RedisServers&) = delete;
  RedisServers& operator=(const RedisServers&) = delete;

  const std::string& url() const { return url_; }
  // With node-N/redis.conf and node-N/pid of each server.
  const std::filesystem::path& folder() const { return folder_; }
  ClientFactory client_factory();
  // Its Tasks are done at once.
  std::unique_ptr<Client> blocking_client();

  // Empties all servers.
  void forget_all();
  // Runs a command on the server of its key, or on all masters.
  Reply ask(std::initializer_list<std::string_view> words);
  std::vector<Reply> ask_all(std::initializer_list<std::string_view> words);

 private:
  std::filesystem::path folder_;
  std::string url_;
};

RedisServers& single_redis();
RedisServers& redis_cluster();  // 3 masters, each with a replica

// For engines that several threads use.
class SystemRandom final : public Entropy {
 public:
  void fill(std::span<std::byte> out) override;
};

}  // namespace sojourn::redis::testing
