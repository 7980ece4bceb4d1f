#include "event_log.h"

#include <algorithm>
#include <map>

#include "encoding/event_record.h"
#include "encoding/keys.h"
#include "keys.h"

namespace sojourn::redis {
namespace {

constexpr size_t kNumberDigits = 16;
constexpr int64_t kDrainedAtOnce = 100;
constexpr int kMaxRounds = 100;
// What an event counts on a page beside the value that is stored of it, so that it counts as much
// as store::page_bytes() says.
constexpr size_t kEventOverhead = store::kEntryOverhead - encoding::kEventBytes;
// Of one run of scripts/trim.lua.
constexpr size_t kTrimmedAtOnce = 1'000;

// An entry of `out`: number, tenant, value.
struct OutEntry {
  std::string number;
  std::string tenant;
  std::string value;
};

std::optional<OutEntry> parsed(std::string_view entry) {
  if (entry.size() < kNumberDigits) return std::nullopt;
  const std::string_view number = entry.substr(0, kNumberDigits);
  std::string_view rest = entry.substr(kNumberDigits);
  const std::string_view whole = rest;
  if (!number_in(number) || !encoding::take_tenant(rest)) return std::nullopt;
  return OutEntry{std::string(number), std::string(whole.substr(0, whole.size() - rest.size())),
                  std::string(rest)};
}

// As scripts/commit.lua writes a number.
std::string digits_of(int64_t number) {
  std::string digits = std::to_string(number);
  return digits.insert(0, kNumberDigits - std::min(kNumberDigits, digits.size()), '0');
}

}  // namespace

std::string outgoing(const domain::Event& event, domain::Change::Logging logging) {
  std::string tenant = encoding::tenant_prefix(event.tenant);
  if (logging == domain::Change::Logging::off) return tenant;
  const std::string body = encoding::encoded_event(event);
  std::string value(body.size() + encoding::kSealBytes, '\0');
  encoding::seal_event(tenant, body, value.data());
  return tenant + value;
}

Task<Result<void>> EventLog::bring(size_t shard, std::string tenant, std::vector<Outgoing> events) {
  auto outcome = co_await publisher_.append(shard, std::move(tenant), std::move(events));
  // They still wait in `out`, and must go before any that comes.
  if (!outcome) handed_on_[shard] = 0;
  co_return outcome;
}

Task<Result<void>> EventLog::publish(size_t shard, std::string outgoing, int64_t number,
                                     int64_t previous) {
  const bool next = number != 0 && (previous == 0 || previous == handed_on_[shard]);
  if (!next) co_return co_await drain(shard);
  std::string entry = digits_of(number).append(outgoing);
  auto parts = parsed(entry);
  if (!parts) co_return strange_reply();
  std::vector<Outgoing> one;
  one.push_back({std::move(parts->number), std::move(parts->value)});
  handed_on_[shard] = number;
  const auto published = co_await bring(shard, std::move(parts->tenant), std::move(one));
  if (published) background_.run(acknowledge(shard, std::move(entry)));
  co_return published;
}

Task<Result<Reply>> EventLog::take_out(size_t shard, std::string entry) {
  co_return co_await servers_.call(Effect::write, shard,
                                   words("LREM", key_in(shard, "out"), "1", std::move(entry)));
}

Task<void> EventLog::acknowledge(size_t shard, std::string entry) {
  co_await take_out(shard, std::move(entry));
}

Task<Result<void>> EventLog::drain(size_t shard) {
  for (int round = 0; round < kMaxRounds; ++round) {
    auto waiting = co_await servers_.call(
        Effect::read, shard,
        words("LRANGE", key_in(shard, "out"), "0", std::to_string(kDrainedAtOnce - 1)));
    if (!waiting) co_return std::unexpected(waiting.error());
    if (waiting->elements.empty()) break;
    std::map<std::string, std::vector<Outgoing>> of_tenants;
    int64_t last = 0;
    for (const Reply& element : waiting->elements) {
      auto entry = parsed(element.text);
      if (!entry) {
        servers_.log().write(LogLevel::error, "store.record_damaged",
                             "An event that waits to be published is damaged; events of its shard "
                             "are held up.",
                             {{"key", key_in(shard, "out")}});
        co_return strange_reply();
      }
      last = number_in(entry->number).value_or(0);
      of_tenants[entry->tenant].push_back({std::move(entry->number), std::move(entry->value)});
    }
    handed_on_[shard] = last;
    std::vector<Task<Result<void>>> all;
    for (auto& [tenant, events] : of_tenants) {
      all.push_back(bring(shard, tenant, std::move(events)));
    }
    const auto outcomes = co_await when_all(std::move(all));
    for (const auto& outcome : outcomes) {
      if (!outcome) co_return outcome;
    }
    std::vector<Task<Result<Reply>>> removals;
    const bool more = waiting->elements.size() == static_cast<size_t>(kDrainedAtOnce);
    for (Reply& element : waiting->elements) {
      removals.push_back(take_out(shard, std::move(element.text)));
    }
    const auto removed = co_await when_all(std::move(removals));
    for (const auto& outcome : removed) {
      if (!outcome) co_return std::unexpected(outcome.error());
    }
    if (!more) break;
  }
  co_return Result<void>();
}

Task<Result<domain::EventPage>> EventLog::read(const store::EventQuery& query) {
  const std::string name = encoding::tenant_prefix(query.tenant);
  const size_t home = shard_of(name);
  const std::string after = query.after ? std::to_string(*query.after) : std::string();
  const auto reply = co_await servers_.run(
      servers_.scripts().events, home, words(key_in(home, "log", name), key_in(home, "mark", name)),
      words(after, std::to_string(query.limit), std::to_string(query.bytes),
            std::to_string(kEventOverhead)));
  if (!reply) co_return std::unexpected(reply.error());
  const auto from = number_in(element(*reply, 1).text);
  if (!from) co_return strange_reply();
  domain::EventPage page{
      .events = {}, .from = static_cast<uint64_t>(*from), .gap = !element(*reply, 0).text.empty()};
  const auto& entries = element(*reply, 2).elements;
  for (size_t i = 0; i + 1 < entries.size(); i += 2) {
    const auto number = number_in(entries[i].text);
    if (!number) co_return strange_reply();
    const auto body = encoding::open_event(name, entries[i + 1].text);
    auto event =
        body ? encoding::decoded_event(*body, query.tenant) : std::unexpected(body.error());
    if (!event) {
      servers_.log().write(LogLevel::error, "store.record_damaged",
                           "An event is damaged or newer than this server; it is not shown.",
                           {{"cursor", entries[i].text}});
      co_return failure(ErrorKind::store_unavailable,
                        "An event of this page is damaged, or newer than this server.");
    }
    page.events.push_back({static_cast<uint64_t>(*number), *std::move(event)});
  }
  co_return page;
}

Task<Result<void>> EventLog::look_at_one(size_t shard) {
  trimming_.looking(shard);
  const auto first = co_await servers_.call(
      Effect::read, shard, words("ZRANGE", key_in(shard, "logs"), "0", "0", "WITHSCORES"));
  if (!first) {
    trimming_.failed(shard);
    co_return std::unexpected(first.error());
  }
  trimming_.seen(shard, number_in(element(*first, 1).text));
  co_return Result<void>();
}

Task<size_t> EventLog::look_at(std::vector<size_t> shards) {
  std::vector<Task<Result<void>>> looks;
  for (const size_t shard : shards) looks.push_back(look_at_one(shard));
  const auto outcomes = co_await when_all(std::move(looks));
  co_return static_cast<size_t>(
      std::ranges::count_if(outcomes, [](const auto& outcome) { return outcome.has_value(); }));
}

Task<Result<size_t>> EventLog::trim(Time time, size_t limit, std::vector<size_t> shards) {
  size_t count = 0;
  bool answered = shards.empty();
  std::optional<Error> error;
  for (const size_t shard : shards) {
    while (count < limit && trimming_.is_due(shard, time - Duration(1))) {
      trimming_.looking(shard);
      const auto reply = co_await servers_.run(
          servers_.scripts().trim, shard, words(key_in(shard, "logs")),
          words(std::to_string(time.time_since_epoch().count()),
                std::to_string(std::min(limit - count, kTrimmedAtOnce)),
                key_in(shard, "log", "") + ":", key_in(shard, "head", "") + ":",
                key_in(shard, "mark", "") + ":", marks_kept_ms()));
      if (!reply) {
        trimming_.failed(shard);
        error = reply.error();
        break;
      }
      answered = true;
      trimming_.seen(shard, number_in(element(*reply, 1).text));
      const auto trimmed = static_cast<size_t>(element(*reply, 0).integer);
      count += trimmed;
      if (trimmed == 0) break;
    }
  }
  if (!answered && error) co_return std::unexpected(*std::move(error));
  co_return count;
}

}  // namespace sojourn::redis
