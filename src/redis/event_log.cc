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

}  // namespace

std::string outgoing(const domain::Event& event) {
  const std::string tenant = encoding::tenant_prefix(event.tenant);
  const std::string body = encoding::encoded_event(event);
  std::string value(body.size() + encoding::kSealBytes, '\0');
  encoding::seal_event(tenant, body, value.data());
  return tenant + value;
}

Task<Result<void>> EventLog::append(size_t shard, std::string tenant,
                                    std::vector<Outgoing> events) {
  const size_t home = shard_of(tenant);
  std::vector<std::string> keys = {key_in(home, "log", tenant), key_in(home, "head", tenant),
                                   key_in(home, "logs")};
  std::vector<std::string> arguments = {std::move(tenant), std::to_string(shard)};
  std::optional<Time> oldest;
  for (Outgoing& event : events) {
    const auto body = std::string_view(event.value).substr(1);
    const auto time = encoding::time_of_event(body);
    if (time && (!oldest || *time < *oldest)) oldest = time;
    arguments.push_back(std::move(event.number));
    arguments.push_back(std::move(event.value));
  }
  const auto reply = co_await servers_.run(servers_.scripts().publish, home, std::move(keys),
                                           std::move(arguments));
  if (!reply) co_return std::unexpected(reply.error());
  if (oldest) trimming_.filed(home, *oldest);
  co_return Result<void>();
}

Task<Result<void>> EventLog::publish(size_t shard, std::string event, int64_t number,
                                     int64_t length) {
  if (length != 1) co_return co_await drain(shard);
  auto entry = parsed(std::string(kNumberDigits, '0') + event);
  if (!entry) co_return strange_reply();
  std::vector<Outgoing> one;
  one.push_back({std::to_string(number), std::move(entry->value)});
  co_return co_await append(shard, std::move(entry->tenant), std::move(one));
}

Task<void> EventLog::acknowledge(size_t shard, int64_t number) {
  co_await servers_.run(servers_.scripts().acknowledge, shard, words(key_in(shard, "out")),
                        words(std::to_string(number)));
}

Task<Result<void>> EventLog::drain(size_t shard) {
  for (int round = 0; round < kMaxRounds; ++round) {
    const auto waiting = co_await servers_.call(
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
    std::vector<Task<Result<void>>> appends;
    for (auto& [tenant, events] : of_tenants) {
      appends.push_back(append(shard, tenant, std::move(events)));
    }
    const auto outcomes = co_await when_all(std::move(appends));
    for (const auto& outcome : outcomes) {
      if (!outcome) co_return outcome;
    }
    co_await acknowledge(shard, last);
    if (waiting->elements.size() < static_cast<size_t>(kDrainedAtOnce)) break;
  }
  co_return Result<void>();
}

Task<Result<std::vector<domain::LoggedEvent>>> EventLog::read(domain::TenantId tenant,
                                                              uint64_t after, size_t limit) {
  const std::string name = encoding::tenant_prefix(tenant);
  const size_t home = shard_of(name);
  const auto reply = co_await servers_.call(
      Effect::read, home,
      words("XRANGE", key_in(home, "log", name), "(" + std::to_string(after) + "-0", "+", "COUNT",
            std::to_string(limit)));
  if (!reply) co_return std::unexpected(reply.error());
  std::vector<domain::LoggedEvent> page;
  for (const Reply& entry : reply->elements) {
    const std::string& id = element(entry, 0).text;
    const std::string& value = element(element(entry, 1), 1).text;
    const auto body = encoding::open_event(name, value);
    auto event = body ? encoding::decoded_event(*body, tenant) : std::unexpected(body.error());
    if (!event) {
      servers_.log().write(LogLevel::error, "store.record_damaged",
                           "An event is damaged or newer than this server; it is not shown.",
                           {{"cursor", id}});
      co_return failure(ErrorKind::store_unavailable,
                        "An event of this page is damaged, or newer than this server.");
    }
    page.push_back({id.substr(0, id.find('-')), *std::move(event)});
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

Task<Result<void>> EventLog::look_at(std::vector<size_t> shards) {
  std::vector<Task<Result<void>>> looks;
  for (const size_t shard : shards) looks.push_back(look_at_one(shard));
  const auto outcomes = co_await when_all(std::move(looks));
  for (const auto& outcome : outcomes) {
    if (!outcome) co_return outcome;
  }
  co_return Result<void>();
}

Task<Result<size_t>> EventLog::trim(Time time, size_t limit, std::vector<size_t> shards) {
  size_t count = 0;
  for (const size_t shard : shards) {
    while (count < limit && trimming_.is_due(shard, time - Duration(1))) {
      trimming_.looking(shard);
      const auto reply =
          co_await servers_.run(servers_.scripts().trim, shard, words(key_in(shard, "logs")),
                                words(std::to_string(time.time_since_epoch().count()),
                                      std::to_string(std::min(limit - count, kTrimmedAtOnce)),
                                      key_in(shard, "log", "") + ":"));
      if (!reply) {
        trimming_.failed(shard);
        co_return std::unexpected(reply.error());
      }
      trimming_.seen(shard, number_in(element(*reply, 1).text));
      const auto trimmed = static_cast<size_t>(element(*reply, 0).integer);
      count += trimmed;
      if (trimmed == 0) break;
    }
  }
  co_return count;
}

}  // namespace sojourn::redis
