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
// Of those that did not answer lately.
constexpr size_t kTriedAgainAtOnce = 4;
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

std::unexpected<Error> nothing_answered() {
  return failure(ErrorKind::store_unavailable, "No part of the store answered lately.");
}

std::vector<size_t> part_of(const std::vector<size_t>& shards, size_t first, size_t count) {
  const auto begin = shards.begin() + static_cast<ptrdiff_t>(first);
  return {begin, begin + static_cast<ptrdiff_t>(std::min(count, shards.size() - first))};
}

}  // namespace

DueScan::Asked DueScan::shards_due(const DueTimes& times, Time now) {
  Asked asked;
  const auto moment = std::chrono::steady_clock::now();
  const size_t first = shared_.turn.fetch_add(kInTurn);
  // Those in turn first: so processes begin at different places, and do not all take the same.
  for (size_t i = 0; i < kShards; ++i) {
    const size_t shard = (first + i) % kShards;
    if (i >= kInTurn && !times.is_due(shard, now)) continue;
    if (shared_.failing.rests(shard, moment)) continue;
    (shared_.failing.has(shard) ? asked.failing : asked.sound).push_back(shard);
  }
  return asked;
}

void DueScan::note(size_t shard, const Result<void>& answer) {
  if (!answer) {
    if (shared_.failing.failed(shard, std::chrono::steady_clock::now())) {
      servers_.log().write(
          LogLevel::error, "store.shard_failing",
          "A part of the store does not answer: what is over there is removed later.",
          {{"shard", uint64_t{shard}}, {"reason", answer.error().detail}});
    }
  } else if (shared_.failing.answered(shard)) {
    servers_.log().write(LogLevel::info, "store.shards_answer",
                         "All parts of the store answer again.");
  }
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
    note(shard, std::unexpected(reply.error()));
    co_return std::unexpected(reply.error());
  }
  note(shard, Result<void>());
  shared_.due.seen(shard, number_in(element(*reply, 1).text));
  std::vector<store::Due> found;
  const auto& due = element(*reply, 0).elements;
  for (size_t i = 0; i + 1 < due.size(); i += 2) {
    auto one = due_in(due[i].text, due[i + 1].text);
    if (one) {
      found.push_back(*std::move(one));
    } else if (shared_.told_of_strange.now()) {
      servers_.log().write(LogLevel::error, "store.record_damaged",
                           "An entry of what is due is damaged or newer than this server; it is "
                           "passed over.",
                           {{"key", key_in(shard, "due")}});
    }
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
      if (!outcome && shared_.told_of_repair.now()) {
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

Task<bool> DueScan::scan_all(std::vector<size_t> shards, Time now, size_t limit, Found& found) {
  std::vector<Task<Result<std::vector<store::Due>>>> scans;
  for (const size_t shard : shards) scans.push_back(scan(shard, now, limit));
  auto parts = co_await when_all(std::move(scans));
  bool all = true;
  for (auto& part : parts) {
    if (part) {
      ++found.answered;
      std::ranges::move(*part, std::back_inserter(found.due));
    } else {
      found.error = std::move(part.error());
      all = false;
    }
  }
  co_return all;
}

Task<Result<std::vector<store::Due>>> DueScan::due(Time now, size_t limit) {
  const Asked asked = shards_due(shared_.due, now);
  const size_t enough = std::max(2 * limit, kGathered);
  Found found;
  for (size_t first = 0; first < asked.sound.size() && found.due.size() < enough;
       first += kAtOnce) {
    co_await scan_all(part_of(asked.sound, first, kAtOnce), now, limit, found);
  }
  // A few of those that failed, and more as long as they answer again.
  size_t at_once = kTriedAgainAtOnce;
  for (size_t first = 0; first < asked.failing.size() && found.due.size() < enough;
       first += std::exchange(at_once, kAtOnce)) {
    if (!co_await scan_all(part_of(asked.failing, first, at_once), now, limit, found)) break;
  }
  if (found.answered == 0 && shared_.failing.count() > 0) {
    if (found.error) co_return std::unexpected(*std::move(found.error));
    co_return nothing_answered();
  }
  std::vector<store::Due>& all = found.due;
  std::ranges::sort(all, {}, &store::Due::filed_at);
  if (all.size() > limit) all.erase(all.begin() + static_cast<ptrdiff_t>(limit), all.end());
  co_return std::move(all);
}

Task<Result<size_t>> DueScan::trim_events(Time time, size_t limit) {
  const Time due = time - Duration(1);
  const size_t answered = co_await events_.look_at(shards_due(shared_.trimming, due).sound);
  std::vector<size_t> shards;
  for (size_t shard = 0; shard < kShards; ++shard) {
    if (shared_.trimming.is_due(shard, due) && !shared_.failing.has(shard)) {
      shards.push_back(shard);
    }
  }
  auto trimmed = co_await events_.trim(time, limit, std::move(shards));
  if (answered > 0 && !trimmed) co_return size_t{0};
  if (answered == 0 && trimmed && *trimmed == 0) co_return nothing_answered();
  co_return trimmed;
}

}  // namespace sojourn::redis
