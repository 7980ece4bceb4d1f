#include "due.h"

#include <algorithm>

#include "encoding/keys.h"
#include "keys.h"

namespace sojourn::redis {
namespace {

// Shards asked in each call in any case: all of them within seconds, when a housekeeper calls a few
// times a second.
constexpr size_t kInTurn = 32;
// Asked at once.
constexpr size_t kAtOnce = 64;
// The most that one shard answers.
constexpr size_t kOfOneShard = 100;
// So much is gathered before the earliest are taken.
constexpr size_t kGathered = 1'000;

std::optional<store::Due> due_in(std::string_view member, std::string_view time) {
  const auto filed_at = number_in(time);
  if (!filed_at || member.empty()) return std::nullopt;
  if (member[0] == kSessionFiled) {
    auto name = encoding::parsed_session_key(member.substr(1));
    if (!name) return std::nullopt;
    return store::Due{Time(Duration(*filed_at)), std::move(name->tenant), name->id};
  }
  auto name = encoding::parsed_idempotency_key(member.substr(1));
  if (member[0] != kKeyFiled || !name) return std::nullopt;
  return store::Due{Time(Duration(*filed_at)), std::move(name->tenant), std::string(name->key)};
}

}  // namespace

std::vector<size_t> DueScan::shards_due(const DueTimes& times, Time now) {
  std::vector<size_t> shards;
  const size_t first = shared_.turn.fetch_add(kInTurn);
  // Those in turn first: so processes begin at different places, and do not all take the same.
  for (size_t i = 0; i < kShards; ++i) {
    const size_t shard = (first + i) % kShards;
    if (i < kInTurn || times.is_due(shard, now)) shards.push_back(shard);
  }
  return shards;
}

Task<Result<void>> DueScan::work(std::string what, std::string mark) {
  if (!what.empty() && what[0] == kIndexEntryFiled) {
    co_return co_await index_.verify(what.substr(1), std::move(mark));
  }
  if (!what.empty() && what[0] == kKeyFiled)
    co_return co_await commits_.finish_begun(what.substr(1));
  co_return strange_reply();
}

Task<Result<std::vector<store::Due>>> DueScan::scan(size_t shard, Time now, size_t limit) {
  shared_.due.looking(shard);
  const auto reply = co_await servers_.run(
      servers_.scripts().scan, shard,
      words(key_in(shard, "due"), key_in(shard, "work"), key_in(shard, "out")),
      words(std::to_string(now.time_since_epoch().count()),
            std::to_string(std::min(limit, kOfOneShard))));
  if (!reply) {
    shared_.due.failed(shard);
    co_return std::unexpected(reply.error());
  }
  shared_.due.seen(shard, number_in(element(*reply, 1).text));
  std::vector<store::Due> found;
  const auto& due = element(*reply, 0).elements;
  for (size_t i = 0; i + 1 < due.size(); i += 2) {
    auto one = due_in(due[i].text, due[i + 1].text);
    if (!one) co_return strange_reply();
    found.push_back(*std::move(one));
  }

  std::vector<Task<Result<void>>> tasks;
  const auto& marks = element(*reply, 2).elements;
  for (size_t i = 0; i + 1 < marks.size(); i += 2) {
    tasks.push_back(work(marks[i].text, marks[i + 1].text));
  }
  if (!element(*reply, 3).text.empty()) tasks.push_back(events_.drain(shard));
  if (!tasks.empty()) {
    const auto outcomes = co_await when_all(std::move(tasks));
    for (const auto& outcome : outcomes) {
      if (!outcome) {
        // It is found again. What is due does not wait for it.
        servers_.log().write(LogLevel::warning, "store.repair_failed",
                             "What a crash left unfinished cannot be finished for now.",
                             {{"reason", outcome.error().detail}});
        break;
      }
    }
  }
  co_return found;
}

Task<Result<std::vector<store::Due>>> DueScan::due(Time now, size_t limit) {
  const std::vector<size_t> shards = shards_due(shared_.due, now);
  std::vector<store::Due> all;
  for (size_t first = 0; first < shards.size(); first += kAtOnce) {
    if (all.size() >= std::max(2 * limit, kGathered)) break;
    std::vector<Task<Result<std::vector<store::Due>>>> scans;
    for (size_t i = first; i < std::min(first + kAtOnce, shards.size()); ++i) {
      scans.push_back(scan(shards[i], now, limit));
    }
    auto found = co_await when_all(std::move(scans));
    for (auto& part : found) {
      if (!part) co_return std::unexpected(std::move(part.error()));
      std::ranges::move(*part, std::back_inserter(all));
    }
  }
  std::ranges::sort(all, {}, &store::Due::filed_at);
  if (all.size() > limit) all.erase(all.begin() + static_cast<ptrdiff_t>(limit), all.end());
  co_return all;
}

Task<Result<size_t>> DueScan::trim_events(Time time, size_t limit) {
  const Time due = time - Duration(1);
  const auto looked = co_await events_.look_at(shards_due(shared_.trimming, due));
  if (!looked) co_return std::unexpected(looked.error());
  std::vector<size_t> shards;
  for (size_t shard = 0; shard < kShards; ++shard) {
    if (shared_.trimming.is_due(shard, due)) shards.push_back(shard);
  }
  co_return co_await events_.trim(time, limit, std::move(shards));
}

}  // namespace sojourn::redis
