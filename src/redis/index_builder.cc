#include "index_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "encoding/keys.h"
#include "index.h"
#include "keys.h"
#include "redis/slot.h"
#include "session_record.h"

namespace sojourn::redis {
namespace {

using domain::IdentityAttribute;

constexpr char kIndexedKey[] = "{sojourn}:indexed";
constexpr char kChangedKey[] = "{sojourn}:index_changed";
// What `shards:`tenant says is complete, as far as processes of this version wrote it.
constexpr char kPresenceKey[] = "{sojourn}:presence";
constexpr char kPresenceVersion[] = "2";
// So long after a change, whoever starts makes sure once more.
constexpr char kChangedFor_ms[] = "3600000";

// Together a few hundred commands at once.
constexpr size_t kShardsAtOnce = 16;
constexpr char kSessionsOfAPage[] = "16";

using Attributes = std::vector<IdentityAttribute>;

bool contains(const Attributes& attributes, IdentityAttribute one) {
  return std::ranges::find(attributes, one) != attributes.end();
}

Attributes without(Attributes all, const Attributes& others) {
  std::erase_if(all, [&](IdentityAttribute one) { return contains(others, one); });
  return all;
}

// In the order of their numbers, separated by commas. Stored.
std::string names_of(const Attributes& attributes) {
  std::string names;
  for (const IdentityAttribute attribute : encoding::kAttributes) {
    if (!contains(attributes, attribute)) continue;
    if (!names.empty()) names += ',';
    names += encoding::name_of(attribute);
  }
  return names;
}

// Names that this version does not know are passed over.
Attributes attributes_in(std::string_view names) {
  Attributes attributes;
  const std::string all = fmt::format(",{},", names);
  for (const IdentityAttribute attribute : encoding::kAttributes) {
    if (all.find(fmt::format(",{},", encoding::name_of(attribute))) != std::string::npos) {
      attributes.push_back(attribute);
    }
  }
  return attributes;
}

std::unexpected<Error> cannot(std::string_view why) {
  return failure(ErrorKind::store_unavailable,
                 fmt::format("What is known of the stored sessions cannot be completed: {}", why));
}

// A command on the keys above.
Task<Result<Reply>> ask(Client& client, std::vector<std::string> words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  Command command(slot_of(kIndexedKey), views);
  command.repeatable = true;
  auto outcome = co_await client.send(std::move(command));
  if (!outcome) co_return std::unexpected(outcome.error().error);
  if (outcome->reply.is_error()) {
    co_return cannot(
        fmt::format("a Redis server refuses a command ({}).", outcome->reply.error_code()));
  }
  co_return std::move(outcome->reply);
}

// What every session is looked at for.
struct Wanted {
  Index* index = nullptr;  // null: it fits
  Presence& presence;
};

Task<Result<void>> tell(Presence& presence, std::string tenant, size_t shard, Time until) {
  const auto told = co_await presence.tell(tenant, shard, until);
  if (!told) co_return std::unexpected(told.error());
  co_return Result<void>();
}

// How many sessions there were.
Task<Result<size_t>> fit_shard(Servers& servers, Wanted wanted, size_t shard) {
  size_t count = 0;
  std::string member;
  std::string score;
  do {  // ends: each page is further on
    const auto page = co_await servers.run(
        servers.scripts().page, shard, words(key_in(shard, "due")),
        words(member, score, kSessionsOfAPage, key_in(shard, "session") + ":"));
    if (!page) co_return std::unexpected(page.error());
    member = element(*page, 0).text;
    score = element(*page, 1).text;
    std::vector<Task<Result<void>>> tasks;
    std::map<std::string, Time> tenants;  // until when the last session of each lives
    for (size_t i = 2; i + 1 < page->elements.size(); i += 2) {
      const auto name = encoding::parsed_session_key(page->elements[i].text);
      if (!name) co_return strange_reply();
      auto session = session_in(page->elements[i + 1].text, name->tenant, name->id, servers.log());
      if (!session) continue;  // damaged, which is logged; the others are no worse for it
      Time& until = tenants[encoding::tenant_prefix(session->tenant)];
      until = std::max(until, session->expires_at);
      ++count;
      if (wanted.index != nullptr) tasks.push_back(wanted.index->fit(*std::move(session)));
    }
    for (const auto& [tenant, until] : tenants) {
      if (wanted.presence.must_tell(tenant, shard, until)) {
        tasks.push_back(tell(wanted.presence, tenant, shard, until));
      }
    }
    const auto outcomes = co_await when_all(std::move(tasks));
    for (const auto& outcome : outcomes) {
      if (!outcome) co_return std::unexpected(outcome.error());
    }
  } while (!member.empty());
  co_return count;
}

Task<Result<size_t>> fit_all(Servers& servers, Wanted wanted, const std::function<bool()>& stop) {
  size_t count = 0;
  for (size_t first = 0; first < kShards; first += kShardsAtOnce) {
    if (stop()) co_return cannot("the server is to end; the next start begins anew.");
    std::vector<Task<Result<size_t>>> shards;
    for (size_t i = 0; i < kShardsAtOnce; ++i) {
      shards.push_back(fit_shard(servers, wanted, first + i));
    }
    const auto counts = co_await when_all(std::move(shards));
    for (const auto& of_shard : counts) {
      if (!of_shard) co_return cannot(of_shard.error().detail);
      count += *of_shard;
    }
  }
  co_return count;
}

}  // namespace

Task<Result<void>> fit_index(Client& client, Servers& servers, Presence& presence,
                             std::vector<IdentityAttribute> indexed,
                             const std::function<bool()>& stop) {
  const std::string names = names_of(indexed);
  const auto known = co_await ask(client, words("GET", kIndexedKey));
  if (!known) co_return std::unexpected(known.error());
  const auto lately = co_await ask(client, words("EXISTS", kChangedKey));
  if (!lately) co_return std::unexpected(lately.error());
  const auto told = co_await ask(client, words("GET", kPresenceKey));
  if (!told) co_return std::unexpected(told.error());
  const bool is_new = known->kind == Reply::Kind::nil;
  const bool is_lately = lately->integer == 1;
  const bool lists_are_complete = told->text == kPresenceVersion;
  const bool index_fits = !is_new && known->text == names && !is_lately;
  if (index_fits && lists_are_complete) co_return Result<void>();

  if (!is_new && !lists_are_complete) {
    servers.log().write(LogLevel::info, "store.lists_completed",
                        "Sessions that an earlier version left out of lists and counts are added; "
                        "the store opens when it is done.");
  }
  if (!is_new && !index_fits) {
    const Attributes before = attributes_in(known->text);
    servers.log().write(LogLevel::info, "store.index_changes",
                        "The index is made to fit the option sessions.index; the store opens when "
                        "it is done.",
                        {{"added", names_of(without(indexed, before))},
                         {"removed", names_of(without(before, indexed))}});
  }
  Index index(servers, std::move(indexed));
  const auto count = co_await fit_all(servers, {index_fits ? nullptr : &index, presence}, stop);
  if (!count) co_return std::unexpected(count.error());
  if (!is_new) {
    const auto noted = co_await ask(client, words("SET", kChangedKey, "1", "PX", kChangedFor_ms));
    if (!noted) co_return std::unexpected(noted.error());
  }
  if (!is_new || *count > 0) {
    servers.log().write(LogLevel::info, "store.index_ready",
                        "The index and the lists are complete.", {{"sessions", *count}});
  }
  const auto noted =
      co_await ask(client, words("MSET", kIndexedKey, names, kPresenceKey, kPresenceVersion));
  if (!noted) co_return std::unexpected(noted.error());
  co_return Result<void>();
}

}  // namespace sojourn::redis
