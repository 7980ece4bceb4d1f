#include "snapshot.h"

#include <fmt/format.h>

#include "encoding/event_record.h"
#include "encoding/keys.h"
#include "environment.h"
#include "queries.h"
#include "table_cursor.h"
#include "tables.h"

namespace sojourn::lmdb {
namespace {

std::unexpected<Error> unreadable(std::string_view table, std::string_view reason) {
  return failure(ErrorKind::store_unavailable,
                 fmt::format("The store cannot be read to its end: {}: {}.", table, reason));
}

class LmdbSnapshot final : public store::Snapshot {
 public:
  explicit LmdbSnapshot(std::unique_ptr<Environment> environment)
      : environment_(std::move(environment)), view_(*environment_) {}

  int begin() {
    if (const int error = view_.renew()) return error;
    MDB_stat stat;
    const int error = mdb_stat(view_.handle(), environment_->tables().sessions, &stat);
    if (!error) session_count_ = stat.ms_entries;
    return error;
  }

  uint64_t session_count() const override { return session_count_; }

  Result<void> each_session(
      const std::function<Result<void>(const domain::Session&)>& visit) override {
    return each(environment_->tables().sessions, "sessions",
                [&](std::string_view key, std::string_view value) -> Result<void> {
                  const auto stored = stored_session(key, value);
                  if (!stored) return unreadable("sessions", "a record is damaged");
                  return visit(stored->session);
                });
  }

  Result<void> each_idempotency_key(const std::function<Result<void>(const Key&)>& visit) override {
    return each(environment_->tables().idempotency, "idempotency",
                [&](std::string_view key, std::string_view value) -> Result<void> {
                  auto parsed = encoding::parsed_idempotency_key(key);
                  const auto entry = encoding::decoded_entry(key, value);
                  if (!parsed || !entry) return unreadable("idempotency", "an entry is damaged");
                  return visit(Key{std::move(parsed->tenant), std::string(parsed->key), *entry});
                });
  }

 private:
  template <class Visit>
  Result<void> each(MDB_dbi table, std::string_view name, Visit visit) {
    TableCursor at(view_.handle(), table);
    int error = at.first();
    for (; !error; error = at.next()) {
      if (auto visited = visit(at.key(), at.value()); !visited) return visited;
    }
    if (error != MDB_NOTFOUND) return unreadable(name, mdb_strerror(error));
    return {};
  }

  const std::unique_ptr<Environment> environment_;
  ReadTransaction view_;
  uint64_t session_count_ = 0;
};

}  // namespace

Result<std::unique_ptr<store::Snapshot>> open_snapshot(const std::filesystem::path& path) {
  auto environment = Environment::open_to_read(path);
  if (!environment) return std::unexpected(environment.error());
  auto snapshot = std::make_unique<LmdbSnapshot>(*std::move(environment));
  if (const int error = snapshot->begin()) return unreadable("sessions", mdb_strerror(error));
  return snapshot;
}

}  // namespace sojourn::lmdb
