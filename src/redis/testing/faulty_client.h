// Clients that break, or remember: for what crashes and networks do.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "redis/client.h"

namespace sojourn::redis::testing {

// Passes on so many commands; from then on every command fails.
struct Fault {
  enum class Last { not_executed, executed };

  size_t after = 0;  // commands
  // What becomes of the first one that fails. Those after it are not executed.
  Last last = Last::not_executed;
  size_t seen = 0;

  bool struck() const { return seen > after; }
};

class FaultyClient final : public Client {
 public:
  FaultyClient(std::unique_ptr<Client> inner, std::shared_ptr<Fault> fault)
      : inner_(std::move(inner)), fault_(std::move(fault)) {}

  Task<Outcome> send(Command command) override {
    const size_t place = fault_->seen++;
    if (place < fault_->after) co_return co_await inner_->send(std::move(command));
    if (place == fault_->after && fault_->last == Fault::Last::executed) {
      co_await inner_->send(std::move(command));
    }
    co_return std::unexpected(
        Failure{.error = {ErrorKind::store_unavailable, "broken"}, .maybe_executed = true});
  }
  Task<std::expected<std::vector<NodeOutcome>, Failure>> send_to_all_masters(
      Command command) override {
    return inner_->send_to_all_masters(std::move(command));
  }
  void close() override { inner_->close(); }
  std::shared_ptr<const ClientCounters> counters() const override { return inner_->counters(); }

 private:
  const std::unique_ptr<Client> inner_;
  const std::shared_ptr<Fault> fault_;
};

// To the one script the servers say that they are full; everything else is passed on.
class FullClient final : public Client {
 public:
  FullClient(std::unique_ptr<Client> inner, std::string sha)
      : inner_(std::move(inner)), sha_(std::move(sha)) {}

  Task<Outcome> send(Command command) override {
    if (command.bytes.find(sha_) == std::string::npos) return inner_->send(std::move(command));
    return Outcome(
        Answer{.reply = {.kind = Reply::Kind::error, .text = "OOM command not allowed"}});
  }
  Task<std::expected<std::vector<NodeOutcome>, Failure>> send_to_all_masters(
      Command command) override {
    return inner_->send_to_all_masters(std::move(command));
  }
  void close() override { inner_->close(); }
  std::shared_ptr<const ClientCounters> counters() const override { return inner_->counters(); }

 private:
  const std::unique_ptr<Client> inner_;
  const std::string sha_;
};

// Every third time that the one script is run, its answer is lost: by turns it was executed, or
// not.
class ForgetfulClient final : public Client {
 public:
  ForgetfulClient(std::unique_ptr<Client> inner, std::string sha)
      : inner_(std::move(inner)), sha_(std::move(sha)) {}

  Task<Outcome> send(Command command) override {
    if (command.bytes.find(sha_) == std::string::npos || ++seen_ % 3 != 0) {
      co_return co_await inner_->send(std::move(command));
    }
    if (seen_ % 2 == 0) co_await inner_->send(std::move(command));
    co_return std::unexpected(
        Failure{.error = {ErrorKind::store_unavailable, "lost"}, .maybe_executed = true});
  }
  Task<std::expected<std::vector<NodeOutcome>, Failure>> send_to_all_masters(
      Command command) override {
    return inner_->send_to_all_masters(std::move(command));
  }
  void close() override { inner_->close(); }
  std::shared_ptr<const ClientCounters> counters() const override { return inner_->counters(); }

 private:
  const std::unique_ptr<Client> inner_;
  const std::string sha_;
  size_t seen_ = 0;
};

// Passes everything on, and keeps what it passed.
class RecordingClient final : public Client {
 public:
  RecordingClient(std::unique_ptr<Client> inner, std::shared_ptr<std::vector<Command>> passed)
      : inner_(std::move(inner)), passed_(std::move(passed)) {}

  Task<Outcome> send(Command command) override {
    passed_->push_back(command);
    return inner_->send(std::move(command));
  }
  Task<std::expected<std::vector<NodeOutcome>, Failure>> send_to_all_masters(
      Command command) override {
    return inner_->send_to_all_masters(std::move(command));
  }
  void close() override { inner_->close(); }
  std::shared_ptr<const ClientCounters> counters() const override { return inner_->counters(); }

 private:
  const std::unique_ptr<Client> inner_;
  const std::shared_ptr<std::vector<Command>> passed_;
};

}  // namespace sojourn::redis::testing
