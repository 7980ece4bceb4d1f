#include "snapshot.h"

#include <fmt/format.h>

#include "encoding/event_record.h"
#include "encoding/keys.h"
#include "environment.h"
#include "queries.h"
#include "view.h"

namespace sojourn::lmdb {
namespace {

std::unexpected<Error> unreadable(Table table, std::string_view reason) {
  return failure(ErrorKind::store_unavailable,
                 fmt::format("The store cannot be read to its end: {}: {}. Run \"sojourn check\".",
                             name_of(table), reason));
}

class LmdbSnapshot final : public store::Snapshot {
 public:
  explicit LmdbSnapshot(std::unique_ptr<Environment> environment)
      : environment_(std::move(environment)), view_(*environment_) {}

  int begin() { return view_.renew(); }

  uint64_t session_count() const override { return view_.view().entries(Table::sessions); }

  Result<void> each_session(
      const std::function<Result<void>(const domain::Session&)>& visit) override {
    return each(Table::sessions, [&](std::string_view key, std::string_view value) -> Result<void> {
      const auto stored = stored_session(key, value);
      if (!stored) return unreadable(Table::sessions, "a record is damaged");
      return visit(stored->session);
    });
  }

  Result<void> each_idempotency_key(const std::function<Result<void>(const Key&)>& visit) override {
    return each(Table::idempotency,
                [&](std::string_view key, std::string_view value) -> Result<void> {
                  auto parsed = encoding::parsed_idempotency_key(key);
                  const auto entry = encoding::decoded_entry(key, value);
                  if (!parsed || !entry)
                    return unreadable(Table::idempotency, "an entry is damaged");
                  return visit(Key{std::move(parsed->tenant), std::string(parsed->key), *entry});
                });
  }

 private:
  template <class Visit>
  Result<void> each(Table table, Visit visit) {
    PageWalk at = view_.view().walk(table);
    uint64_t count = 0;
    int moved = at.first();
    for (; !moved; moved = at.next()) {
      ++count;
      if (auto visited = visit(at.key(), at.value()); !visited) return visited;
    }
    if (moved != MDB_NOTFOUND) {
      return unreadable(table, fmt::format("page {} {}", at.fault().page, at.fault().what));
    }
    if (count != view_.view().entries(table)) return unreadable(table, "entries are missing");
    return {};
  }

  const std::unique_ptr<Environment> environment_;
  ReadTransaction view_;
};

}  // namespace

Result<std::unique_ptr<store::Snapshot>> open_snapshot(const std::filesystem::path& path) {
  auto environment = Environment::open_to_read(path);
  if (!environment) return std::unexpected(environment.error());
  auto snapshot = std::make_unique<LmdbSnapshot>(*std::move(environment));
  if (const int error = snapshot->begin()) return unreadable(Table::sessions, mdb_strerror(error));
  return snapshot;
}

}  // namespace sojourn::lmdb
