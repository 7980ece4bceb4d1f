// All sessions of a tenant are listed in their shards, in the same step that writes them. A page is
// merged from what each shard that has some answers: at first a few of each, and more of a shard
// all of whose few are on the page.
//
// Sessions with a value are found by the index, and each is looked at: what has the value no
// longer, or never got it, is passed over.
#include "lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

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
std::string below(const std::optional<SessionId>& id) { return id ? "(" + bytes_of(*id) : "+"; }

// Of a list, one more than the page holds, or fewer: then there are no more.
SessionPage page_of(std::vector<Session> sessions, size_t limit) {
  SessionPage page;
  page.more = sessions.size() > limit;
  if (page.more) sessions.erase(sessions.begin() + static_cast<ptrdiff_t>(limit), sessions.end());
  page.sessions = std::move(sessions);
  return page;
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
  const std::string prefix =
      encoding::index_prefix(query.tenant, query.where->attribute, query.where->value);
  const size_t shard = shard_of(prefix);
  const std::string wanted = std::to_string(query.limit + 1);
  std::vector<Session> found;
  std::string bound = below(query.below);
  for (bool more = true; more && found.size() <= query.limit;) {  // ends: each step is further down
    const auto ids = co_await servers_.call(
        Effect::read, shard,
        words("ZREVRANGEBYLEX", key_in(shard, "index", prefix), bound, "-", "LIMIT", "0", wanted));
    if (!ids) co_return std::unexpected(ids.error());
    more = ids->elements.size() > query.limit;
    std::vector<SessionId> listed;
    for (const Reply& element : ids->elements) {
      const auto id = id_in(element.text);
      if (!id) co_return strange_reply();
      listed.push_back(*id);
    }
    if (listed.empty()) break;
    bound = below(listed.back());
    std::vector<Task<Result<std::optional<Session>>>> reads;
    for (const SessionId& id : listed) reads.push_back(session_of(servers_, query.tenant, id));
    auto sessions = co_await when_all(std::move(reads));
    for (auto& session : sessions) {
      if (!session) co_return std::unexpected(std::move(session.error()));
      if (!*session ||
          value_of((*session)->identity, query.where->attribute) != query.where->value) {
        continue;
      }
      if (found.size() <= query.limit) found.push_back(**std::move(session));
    }
  }
  co_return page_of(std::move(found), query.limit);
}

Task<Result<Reply>> Lists::newest_of(size_t shard, std::string tenant, std::string bound,
                                     size_t count) {
  std::vector<std::string> arguments = {std::move(bound), std::to_string(count),
                                        key_in(shard, "session", tenant)};
  co_return co_await servers_.run(
      servers_.scripts().list, shard,
      words(key_in(shard, "named", tenant), key_in(shard, "anonymous", tenant)),
      std::move(arguments));
}

Task<Result<SessionPage>> Lists::find_all(const store::Query& query) {
  const std::string tenant = encoding::tenant_prefix(query.tenant);
  const auto shards = co_await presence_.shards_of(tenant);
  if (!shards) co_return std::unexpected(shards.error());

  // Where each shard is to be asked from; those that are not in it have no more.
  std::map<size_t, std::string> open;
  for (const size_t shard : *shards) open[shard] = below(query.below);
  std::map<SessionId, std::string, std::greater<>> records;  // newest first
  while (!open.empty()) {  // ends: each step is further down in every shard that is asked
    const size_t few = std::min(query.limit + 1, 4 * (query.limit + 1) / open.size() + 2);
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
        for (size_t at = 0; at + 1 < list.elements.size(); at += 2) {
          last = id_in(list.elements[at].text);
          if (!last) co_return strange_reply();
          records[*last] = list.elements[at + 1].text;
        }
        if (list.elements.size() == 2 * few) known_down_to = std::max(known_down_to, last);
      }
      if (known_down_to) reached.emplace(asked[i], *known_down_to);
    }
    // The last one of the page, as far as is known: a shard that is known further down is done.
    std::optional<SessionId> last_of_page;
    if (records.size() > query.limit) {
      auto place = records.begin();
      std::advance(place, query.limit);
      last_of_page = place->first;
    }
    open.clear();
    for (const auto& [shard, id] : reached) {
      if (!last_of_page || id > *last_of_page) open[shard] = below(id);
    }
  }

  std::vector<Session> sessions;
  for (const auto& [id, record] : records) {
    if (sessions.size() > query.limit) break;
    auto session = session_in(record, query.tenant, id, servers_.log());
    if (!session) co_return std::unexpected(std::move(session.error()));
    sessions.push_back(*std::move(session));
  }
  co_return page_of(std::move(sessions), query.limit);
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
