// Clients that break, or remember: for what crashes and networks do.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "redis/client.h"

namespace sojourn::redis::testing {

// Passes everything on.
class PassingClient : public Client {
 public:
  explicit PassingClient(std::unique_ptr<Client> inner) : inner_(std::move(inner)) {}

  Task<Outcome> send(Command command) override { return inner_->send(std::move(command)); }
  Task<std::expected<std::vector<NodeOutcome>, Failure>> send_to_all_masters(
      Command command) override {
    return inner_->send_to_all_masters(std::move(command));
  }
  void close() override { inner_->close(); }
  std::shared_ptr<const ClientCounters> counters() const override { return inner_->counters(); }

 protected:
  const std::unique_ptr<Client> inner_;
};

// Passes on so many commands; from then on every command fails.
struct Fault {
  enum class Last { not_executed, executed };

  size_t after = 0;  // commands
  // What becomes of the first one that fails. Those after it are not executed.
  Last last = Last::not_executed;
  size_t seen = 0;

  bool struck() const { return seen > after; }
};

class FaultyClient final : public PassingClient {
 public:
  FaultyClient(std::unique_ptr<Client> inner, std::shared_ptr<Fault> fault)
      : PassingClient(std::move(inner)), fault_(std::move(fault)) {}

  Task<Outcome> send(Command command) override {
    const size_t place = fault_->seen++;
    if (place < fault_->after) co_return co_await inner_->send(std::move(command));
    if (place == fault_->after && fault_->last == Fault::Last::executed) {
      co_await inner_->send(std::move(command));
    }
    co_return std::unexpected(
        Failure{.error = {ErrorKind::store_unavailable, "broken"}, .maybe_executed = true});
  }

 private:
  const std::shared_ptr<Fault> fault_;
};

// To the one script the servers say that they are full; everything else is passed on.
class FullClient final : public PassingClient {
 public:
  FullClient(std::unique_ptr<Client> inner, std::string sha)
      : PassingClient(std::move(inner)), sha_(std::move(sha)) {}

  Task<Outcome> send(Command command) override {
    if (command.bytes.find(sha_) == std::string::npos) return inner_->send(std::move(command));
    return Outcome(
        Answer{.reply = {.kind = Reply::Kind::error, .text = "OOM command not allowed"}});
  }

 private:
  const std::string sha_;
};

// Every third time that the one script is run, its answer is lost: by turns it was executed, or
// not.
class ForgetfulClient final : public PassingClient {
 public:
  ForgetfulClient(std::unique_ptr<Client> inner, std::string sha)
      : PassingClient(std::move(inner)), sha_(std::move(sha)) {}

  Task<Outcome> send(Command command) override {
    if (command.bytes.find(sha_) == std::string::npos || ++seen_ % 3 != 0) {
      co_return co_await inner_->send(std::move(command));
    }
    if (seen_ % 2 == 0) co_await inner_->send(std::move(command));
    co_return std::unexpected(
        Failure{.error = {ErrorKind::store_unavailable, "lost"}, .maybe_executed = true});
  }

 private:
  const std::string sha_;
  size_t seen_ = 0;
};

// Fails what concerns one slot, as long as `fails`.
class FailingSlotClient final : public PassingClient {
 public:
  FailingSlotClient(std::unique_ptr<Client> inner, uint16_t slot,
                    std::shared_ptr<std::atomic<bool>> fails)
      : PassingClient(std::move(inner)), slot_(slot), fails_(std::move(fails)) {}

  Task<Outcome> send(Command command) override {
    if (!*fails_ || command.slot != slot_) return inner_->send(std::move(command));
    return Outcome(std::unexpected(Failure{.error = {ErrorKind::store_unavailable, "down"}}));
  }

 private:
  const uint16_t slot_;
  const std::shared_ptr<std::atomic<bool>> fails_;
};

// Passes everything on, and keeps what it passed.
class RecordingClient final : public PassingClient {
 public:
  RecordingClient(std::unique_ptr<Client> inner, std::shared_ptr<std::vector<Command>> passed)
      : PassingClient(std::move(inner)), passed_(std::move(passed)) {}

  Task<Outcome> send(Command command) override {
    passed_->push_back(command);
    return inner_->send(std::move(command));
  }

 private:
  const std::shared_ptr<std::vector<Command>> passed_;
};

}  // namespace sojourn::redis::testing
