// Ids come first, from the lists or from the index, and a page is filled with their sessions.
//
// All sessions of a tenant are listed in their shards, in the same step that writes them. The
// newest ids are merged from what each shard that has some answers: at first a few of each, and
// more of a shard all of whose few are among the newest.
//
// Ids of sessions with a value are in its index. What has the value no longer, or never got it, is
// passed over.
#include "lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "encoding/keys.h"
#include "keys.h"
#include "session_record.h"

namespace sojourn::redis {
namespace {

using domain::Session;
using domain::SessionId;
using store::SessionPage;

std::string bytes_of(const SessionId& id) {
  return {reinterpret_cast<const char*>(id.bytes().data()), SessionId::kBytes};
}

std::optional<SessionId> id_in(std::string_view bytes) {
  if (bytes.size() != SessionId::kBytes) return std::nullopt;
  return SessionId::from_bytes(std::span<const uint8_t, SessionId::kBytes>(
      reinterpret_cast<const uint8_t*>(bytes.data()), SessionId::kBytes));
}

// An upper bound as ZREVRANGEBYLEX has it.
std::string bound_below(const std::optional<SessionId>& id) {
  return id ? "(" + bytes_of(*id) : "+";
}

// Sessions read at once: each may be large.
constexpr size_t kReadAtOnce = 64;

bool is_meant(const Session& session, const store::Query& query) {
  return !query.where || value_of(session.identity, query.where->attribute) == query.where->value;
}

}  // namespace

Task<Result<SessionPage>> Lists::find(const store::Query& query) {
  if (!query.where) return find_all(query);
  if (!index_.has(query.where->attribute)) {
    return Result<SessionPage>(failure(
        ErrorKind::invalid_parameter,
        fmt::format("Sessions cannot be listed by {0}; add \"{0}\" to the option sessions.index.",
                    encoding::name_of(query.where->attribute))));
  }
  const std::string& value = query.where->value;
  if (value.empty() || value.size() > domain::Identity::kMaxBytes) {
    return Result<SessionPage>(SessionPage());  // nobody has it
  }
  return find_by_value(query);
}

Task<Result<SessionPage>> Lists::find_by_value(const store::Query& query) {
  const NextIds next_ids = [&](std::optional<SessionId> below, size_t count) {
    return ids_with_value(query, below, count);
  };
  co_return co_await page_of(query, next_ids);
}

Task<Result<SessionPage>> Lists::find_all(const store::Query& query) {
  const std::string tenant = encoding::tenant_prefix(query.tenant);
  const auto shards = co_await presence_.shards_of(tenant);
  if (!shards) co_return std::unexpected(shards.error());
  const NextIds next_ids = [&](std::optional<SessionId> below, size_t count) {
    return ids_in(*shards, tenant, below, count);
  };
  co_return co_await page_of(query, next_ids);
}

Task<Result<SessionPage>> Lists::page_of(const store::Query& query, const NextIds& next_ids) {
  SessionPage page;
  store::PageBudget budget(query.limit, query.bytes);
  std::optional<SessionId> below = query.below;
  for (;;) {                                   // ends: each step is further down
    const size_t wanted = budget.limit() + 1;  // one more says whether there are more
    const auto ids = co_await next_ids(below, wanted);
    if (!ids) co_return std::unexpected(ids.error());
    for (size_t first = 0; first < ids->size(); first += kReadAtOnce) {
      std::vector<Task<Result<std::optional<Session>>>> reads;
      for (size_t i = first; i < std::min(first + kReadAtOnce, ids->size()); ++i) {
        reads.push_back(session_of(servers_, query.tenant, (*ids)[i]));
      }
      auto sessions = co_await when_all(std::move(reads));
      for (auto& session : sessions) {
        if (!session) co_return std::unexpected(std::move(session.error()));
        if (!*session || !is_meant(**session, query)) continue;
        if (budget.spent()) {
          page.more = true;
          co_return page;
        }
        budget.take(**session);
        page.sessions.push_back(**std::move(session));
      }
    }
    if (ids->size() < wanted) co_return page;
    below = ids->back();
  }
}

Task<Result<Lists::Ids>> Lists::ids_with_value(const store::Query& query,
                                               std::optional<SessionId> below, size_t count) {
  const std::string prefix =
      encoding::index_prefix(query.tenant, query.where->attribute, query.where->value);
  const size_t shard = shard_of(prefix);
  const auto listed =
      co_await servers_.call(Effect::read, shard,
                             words("ZREVRANGEBYLEX", key_in(shard, "index", prefix),
                                   bound_below(below), "-", "LIMIT", "0", std::to_string(count)));
  if (!listed) co_return std::unexpected(listed.error());
  Ids ids;
  for (const Reply& element : listed->elements) {
    const auto id = id_in(element.text);
    if (!id) co_return strange_reply();
    ids.push_back(*id);
  }
  co_return ids;
}

Task<Result<Reply>> Lists::newest_of(size_t shard, std::string tenant, std::string bound,
                                     size_t count) {
  co_return co_await servers_.run(
      servers_.scripts().list, shard,
      words(key_in(shard, "named", tenant), key_in(shard, "anonymous", tenant)),
      words(std::move(bound), std::to_string(count)));
}

Task<Result<Lists::Ids>> Lists::ids_in(const std::vector<size_t>& shards, const std::string& tenant,
                                       std::optional<SessionId> below, size_t count) {
  // Where each shard is to be asked from; those that are not in it have no more.
  std::map<size_t, std::string> open;
  for (const size_t shard : shards) open[shard] = bound_below(below);
  std::set<SessionId, std::greater<>> found;  // newest first
  while (!open.empty()) {  // ends: each step is further down in every shard that is asked
    const size_t few = std::min(count, 4 * count / open.size() + 2);
    std::vector<size_t> asked;
    std::vector<Task<Result<Reply>>> questions;
    for (const auto& [shard, bound] : open) {
      asked.push_back(shard);
      questions.push_back(newest_of(shard, tenant, bound, few));
    }
    auto answers = co_await when_all(std::move(questions));
    std::map<size_t, SessionId> reached;  // where a shard has more: down to where it is known
    for (size_t i = 0; i < answers.size(); ++i) {
      if (!answers[i]) co_return std::unexpected(std::move(answers[i].error()));
      std::optional<SessionId> known_down_to;
      for (const Reply& list : answers[i]->elements) {
        std::optional<SessionId> last;
        for (const Reply& element : list.elements) {
          last = id_in(element.text);
          if (!last) co_return strange_reply();
          found.insert(*last);
        }
        // Of two lists that go on, the one that ends first says how far both are known.
        if (list.elements.size() == few) known_down_to = std::max(known_down_to, last);
      }
      if (known_down_to) reached.emplace(asked[i], *known_down_to);
    }
    // The last one that is wanted, as far as is known: a shard that is known further down is done.
    std::optional<SessionId> last_wanted;
    if (found.size() >= count) {
      last_wanted = *std::next(found.begin(), static_cast<ptrdiff_t>(count) - 1);
    }
    open.clear();
    for (const auto& [shard, id] : reached) {
      if (!last_wanted || id > *last_wanted) open[shard] = bound_below(id);
    }
  }
  Ids ids(found.begin(), found.end());
  if (ids.size() > count) ids.erase(ids.begin() + static_cast<ptrdiff_t>(count), ids.end());
  co_return ids;
}

Task<Result<Reply>> Lists::count_of(size_t shard, std::string tenant) {
  co_return co_await servers_.run(
      servers_.scripts().count, shard,
      words(key_in(shard, "named", tenant), key_in(shard, "anonymous", tenant)), words());
}

Task<Result<domain::Counts>> Lists::count(const domain::TenantId& tenant_id) {
  const std::string tenant = encoding::tenant_prefix(tenant_id);
  const auto shards = co_await presence_.shards_of(tenant);
  if (!shards) co_return std::unexpected(shards.error());
  std::vector<Task<Result<Reply>>> questions;
  for (const size_t shard : *shards) questions.push_back(count_of(shard, tenant));
  const auto answers = co_await when_all(std::move(questions));
  domain::Counts counts;
  for (const auto& answer : answers) {
    if (!answer) co_return std::unexpected(answer.error());
    counts.named += static_cast<uint64_t>(element(*answer, 0).integer);
    counts.anonymous += static_cast<uint64_t>(element(*answer, 1).integer);
  }
  co_return counts;
}

}  // namespace sojourn::redis
