// What the tests of this module share: a directory that goes away, an engine in it, a log that is
// read.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/manual_clock.h"
#include "check.h"
#include "environment.h"
#include "lmdb_store.h"
#include "testing/conformance.h"
#include "testing/sessions.h"
#include "testing/test_executor.h"

namespace sojourn::lmdb {

class TestDirectory {
 public:
  TestDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "sojourn-lmdb-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Not there yet; its parent is.
  std::filesystem::path data() const { return path_ / "data"; }

 private:
  std::filesystem::path path_;
};

class CountingEntropy final : public Entropy {
 public:
  void fill(std::span<std::byte> out) override {
    for (std::byte& byte : out) byte = std::byte{next_++};
  }

 private:
  std::atomic<uint8_t> next_ = 0;
};

// Keeps the lines as "event name=value...".
class RememberingLog final : public Log {
 public:
  void write(LogLevel, std::string_view event, std::string_view,
             std::initializer_list<LogField> fields) override {
    std::string line(event);
    for (const LogField& field : fields)
      line.append(" ").append(field.name).append("=").append(text_of(field));
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
  }

  size_t count(std::string_view event) const {
    const std::lock_guard lock(mutex_);
    size_t found = 0;
    for (const auto& line : lines_) found += line.starts_with(event) ? 1 : 0;
    return found;
  }

  std::string all() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& line : lines_) text.append(line).append("\n");
    return text;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

// An engine and a store object in it, for one test thread.
class TestEngine {
 public:
  explicit TestEngine(LmdbOptions options) : options_(std::move(options)) { open(); }
  explicit TestEngine(const std::filesystem::path& path, uint64_t map_size = 64 << 20)
      : TestEngine(LmdbOptions{.path = path, .map_size = map_size}) {}

  void open() {
    auto opened = LmdbEngine::open(options_, clock, entropy_, log);
    if (!opened) throw std::runtime_error(opened.error().detail);
    engine_ = *std::move(opened);
    store_ = engine_->store_for(home);
  }
  void shut() {
    store_.reset();
    engine_.reset();
  }
  void reopen() {
    shut();
    open();
  }

  LmdbEngine& operator*() { return *engine_; }
  LmdbEngine* operator->() { return engine_.get(); }
  store::SessionStore& store() { return *store_; }
  LmdbOptions& options() { return options_; }

  Result<store::CommitOutcome> commit(const domain::Change& change) {
    return home.run(store_->commit(change));
  }
  Result<std::optional<domain::Session>> get(const domain::Session& session) {
    return home.run(store_->get(session.tenant, session.id));
  }

  RememberingLog log;
  ManualClock clock;
  store::testing::TestExecutor home;

 private:
  LmdbOptions options_;
  CountingEntropy entropy_;
  std::unique_ptr<LmdbEngine> engine_;
  std::unique_ptr<store::SessionStore> store_;
};

// Changes the stored bytes behind the engine's back.
inline void tamper(const std::filesystem::path& path,
                   const std::function<void(MDB_txn*, const Tables&)>& change) {
  const ManualClock clock;
  CountingEntropy entropy;
  auto environment =
      Environment::open({.path = path, .map_size = 64 << 20, .sync_commits = true}, clock, entropy)
          .value();
  WriteTransaction transaction;
  ASSERT_EQ(transaction.begin(*environment), 0);
  change(transaction.handle(), environment->tables());
  ASSERT_EQ(transaction.commit(), 0);
}

inline bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// All tables agree.
inline void expect_sound(LmdbEngine& engine) {
  const auto report = check(engine);
  ASSERT_TRUE(report.has_value()) << report.error().detail;
  EXPECT_TRUE(report->sound()) << report->problem_count
                               << " problems, first: " << report->problems.front();
}

}  // namespace sojourn::lmdb
