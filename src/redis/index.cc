#include "index.h"

#include <algorithm>
#include <limits>

#include "encoding/keys.h"
#include "keys.h"
#include "session_record.h"

namespace sojourn::redis {
namespace {

using domain::IdentityAttribute;

// A mark is looked at a minute after it was made. The commit must be over long before, also when
// the clocks of two servers differ.
constexpr int64_t kBeforeItIsLookedAt_us = 30'000'000;

std::string_view prefix_of(std::string_view name) { return tenant_part(name); }

size_t shard_of_entry(std::string_view name) { return shard_of(prefix_of(name)); }

std::vector<std::string> keys_of_entry(std::string_view name) {
  const size_t shard = shard_of_entry(name);
  return {key_in(shard, "index", prefix_of(name)), key_in(shard, "work")};
}

std::string filed(std::string_view name) { return std::string(1, kIndexEntryFiled).append(name); }

}  // namespace

bool Index::has(IdentityAttribute attribute) const {
  return std::ranges::find(indexed_, attribute) != indexed_.end();
}

std::vector<Mark> Index::marks_of(const domain::Change& change) const {
  const domain::Identity none;
  const domain::Identity& before = change.before ? change.before->identity : none;
  const domain::Identity& after = change.after ? change.after->identity : none;
  const domain::Session& session = change.before ? *change.before : *change.after;
  std::vector<Mark> marks;
  const auto add = [&](IdentityAttribute attribute, const std::string& value,
                       Mark::Becomes becomes) {
    if (value.empty()) return;
    marks.push_back({.name = encoding::index_key(session.tenant, attribute, value, session.id),
                     .becomes = becomes,
                     .mark = {}});
  };
  for (const IdentityAttribute attribute : indexed_) {
    const std::string& old_value = value_of(before, attribute);
    const std::string& new_value = value_of(after, attribute);
    if (old_value == new_value) continue;
    add(attribute, old_value, Mark::Becomes::wrong);
    add(attribute, new_value, Mark::Becomes::right);
  }
  return marks;
}

Task<Result<Reply>> Index::mark(Mark& mark, bool in_place) {
  const Script& script = in_place ? servers_.scripts().mark_in_place : servers_.scripts().mark;
  auto reply = co_await servers_.run(script, shard_of_entry(mark.name), keys_of_entry(mark.name),
                                     words(std::string(id_part(mark.name)), filed(mark.name),
                                           mark.becomes == Mark::Becomes::right ? "1" : "0"));
  if (reply) mark.mark = reply->text;
  co_return reply;
}

Task<Result<Reply>> Index::settle_one(std::string name, std::string mark, bool wrong) {
  co_return co_await servers_.run(
      servers_.scripts().settle, shard_of_entry(name), keys_of_entry(name),
      words(std::string(id_part(name)), filed(name), std::move(mark), wrong ? "1" : "0"));
}

Task<void> Index::settle(std::vector<Mark> marks) {
  std::vector<Task<Result<Reply>>> tasks;
  for (Mark& mark : marks) {
    tasks.push_back(settle_one(std::move(mark.name), std::move(mark.mark),
                               mark.becomes == Mark::Becomes::wrong));
  }
  co_await when_all(std::move(tasks));
}

Task<Result<void>> Index::verify(std::string name, std::string mark) {
  const auto entry = encoding::parsed_index_key(name);
  if (!entry) co_return strange_reply();
  const auto session = co_await session_of(servers_, entry->session.tenant, entry->session.id);
  if (!session) co_return std::unexpected(session.error());
  const bool right = *session && value_of((*session)->identity, entry->attribute) == entry->value;
  const auto settled = co_await settle_one(name, std::move(mark), !right);
  if (!settled) co_return std::unexpected(settled.error());
  co_return Result<void>();
}

Task<Result<void>> Index::ensure(std::string name) {
  const auto mark =
      co_await servers_.run(servers_.scripts().ensure, shard_of_entry(name), keys_of_entry(name),
                            words(std::string(id_part(name)), filed(name)));
  if (!mark) co_return std::unexpected(mark.error());
  if (mark->text.empty()) co_return Result<void>();
  co_return co_await verify(std::move(name), mark->text);
}

Task<Result<void>> Index::remove(std::string name) {
  const auto removed =
      co_await servers_.call(Effect::write, shard_of_entry(name),
                             words("ZREM", keys_of_entry(name)[0], std::string(id_part(name))));
  if (!removed) co_return std::unexpected(removed.error());
  co_return Result<void>();
}

Task<Result<void>> Index::fit(domain::Session session) {
  std::vector<Task<Result<void>>> tasks;
  for (const IdentityAttribute attribute : encoding::kAttributes) {
    const std::string& value = value_of(session.identity, attribute);
    if (value.empty()) continue;
    std::string name = encoding::index_key(session.tenant, attribute, value, session.id);
    tasks.push_back(has(attribute) ? ensure(std::move(name)) : remove(std::move(name)));
  }
  const auto outcomes = co_await when_all(std::move(tasks));
  for (const auto& outcome : outcomes) {
    if (!outcome) co_return outcome;
  }
  co_return Result<void>();
}

std::string deadline_of(std::span<const Mark> marks) {
  if (marks.empty()) return {};
  int64_t earliest = std::numeric_limits<int64_t>::max();
  for (const Mark& mark : marks) earliest = std::min(earliest, number_in(mark.mark).value_or(0));
  return std::to_string(earliest - kBeforeItIsLookedAt_us);
}

}  // namespace sojourn::redis
