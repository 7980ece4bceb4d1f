// The Redis servers as the store uses them: scripts and commands on shards, and errors as the
// contract of stores has them.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/log.h"
#include "redis/client.h"
#include "redis/scripts.h"

namespace sojourn::redis {

// Whether commits are acknowledged, as far as the calls of all threads tell.
class Health {
 public:
  void succeeded() {
    if (failures_.load(std::memory_order_relaxed) != 0) failures_ = 0;
  }
  void failed() { ++failures_; }
  bool good() const { return failures_ < kTooMany; }

 private:
  static constexpr unsigned kTooMany = 3;  // in a row

  std::atomic<unsigned> failures_ = 0;
};

// Of one loop.
class Servers {
 public:
  // A write is done when `replicas` have it beside the master.
  Servers(Client& client, const Scripts& scripts, size_t replicas, Health& health, Log& log)
      : client_(client), scripts_(scripts), replicas_(replicas), health_(health), log_(log) {}

  const Scripts& scripts() const { return scripts_; }
  Log& log() { return log_; }

  // The reply of a script whose keys are all of `shard`. Never an error reply: those are
  // store_full and store_unavailable.
  Task<Result<Reply>> run(const Script& script, size_t shard, std::vector<std::string> keys,
                          std::vector<std::string> arguments);

  // The reply of a command whose keys are all of `shard`.
  Task<Result<Reply>> call(Effect effect, size_t shard, std::vector<std::string> words);

 private:
  Task<Outcome> send(Effect effect, size_t shard, std::vector<std::string> words);
  Result<Reply> judged(Outcome outcome, Effect effect, std::string_view what);

  Client& client_;
  const Scripts& scripts_;
  const size_t replicas_;
  Health& health_;
  Log& log_;
};

// Keys, arguments or the words of a command. (g++ 12 takes no braced lists beside co_await.)
template <class... Word>
std::vector<std::string> words(Word&&... word) {
  std::vector<std::string> all;
  all.reserve(sizeof...(word));
  (all.emplace_back(std::forward<Word>(word)), ...);
  return all;
}

// The reply is not what this version's scripts answer.
std::unexpected<Error> strange_reply();

// A number that a reply holds as text.
std::optional<int64_t> number_in(std::string_view text);

// What stands at `place` of an array; an empty reply when there is nothing.
const Reply& element(const Reply& reply, size_t place);

}  // namespace sojourn::redis
