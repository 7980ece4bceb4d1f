#include "environment.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "as_owner.h"
#include "directory.h"
#include "encoding/bytes.h"
#include "file_operations.h"
#include "readers.h"
#include "upgrade.h"

namespace sojourn::lmdb {
namespace {

constexpr MDB_dbi kMaxTables = 16;
// One per store object (so, per I/O thread), and some for tools that look on.
constexpr unsigned kMaxReaders = 1024;
constexpr mdb_mode_t kFileMode = 0600;

// Room that is kept for changes that need no more than they free
// (docs/internals/data-format.md, "Room").
constexpr uint64_t reserve_of(uint64_t map_size) {
  return std::min(map_size / 4, std::max(uint64_t{8} << 20, map_size / 16));
}

constexpr std::string_view kFormat = "format";
constexpr std::string_view kCreated = "created";
constexpr std::string_view kStoreId = "store-id";
constexpr size_t kStoreIdBytes = 16;

std::string reason_of(int error) {
  switch (error) {
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
      return "data.mdb is not a file of this server, or is damaged";
    case ENOMEM:
      return "the memory map does not fit; make map_size smaller";
    case EAGAIN:
      return "a process of the same process id, in another container, has it open; wait until that "
             "one ends";
    default:
      return mdb_strerror(error);
  }
}

// The format that the directory says it has; nothing when it says none.
std::expected<std::optional<uint32_t>, int> stored_format(MDB_txn* transaction) {
  MDB_dbi meta;
  if (const int error = mdb_dbi_open(transaction, "meta", 0, &meta)) {
    if (error == MDB_NOTFOUND || error == MDB_INCOMPATIBLE) return std::nullopt;
    return std::unexpected(error);
  }
  const auto value = find(transaction, meta, kFormat);
  if (!value) return std::unexpected(value.error());
  if (!*value || (*value)->size() != sizeof(uint32_t)) return std::nullopt;
  return encoding::number_at<uint32_t>((*value)->data());
}

std::expected<bool, int> is_empty(MDB_txn* transaction) {
  MDB_dbi main;
  if (const int error = mdb_dbi_open(transaction, nullptr, 0, &main)) return std::unexpected(error);
  MDB_stat stat;
  if (const int error = mdb_stat(transaction, main, &stat)) return std::unexpected(error);
  return stat.ms_entries == 0;
}

int open_all(MDB_txn* transaction, unsigned flags, Tables& tables) {
  const std::pair<const char*, MDB_dbi*> names[] = {
      {"sessions", &tables.sessions}, {"index", &tables.index},
      {"expiry", &tables.expiry},     {"counts", &tables.counts},
      {"events", &tables.events},     {"idempotency", &tables.idempotency},
      {"meta", &tables.meta}};
  for (const auto& [name, handle] : names) {
    if (const int error = mdb_dbi_open(transaction, name, flags, handle)) return error;
  }
  return 0;
}

int open_logs(MDB_txn* transaction, unsigned flags, Tables& tables) {
  return mdb_dbi_open(transaction, "logs", flags, &tables.logs.emplace());
}

int write_format(MDB_txn* transaction, MDB_dbi meta) {
  std::string format;
  encoding::append_number(format, kFormatVersion);
  return put(transaction, meta, kFormat, format);
}

int write_meta(MDB_txn* transaction, MDB_dbi meta, const Clock& clock, Entropy& entropy) {
  std::string created;
  encoding::append_number(created, encoding::bits_of(clock.now()));
  std::array<std::byte, kStoreIdBytes> id;
  entropy.fill(id);
  int error = write_format(transaction, meta);
  if (!error) error = put(transaction, meta, kCreated, created);
  if (!error) {
    error = put(transaction, meta, kStoreId, {reinterpret_cast<const char*>(id.data()), id.size()});
  }
  return error;
}

// Opens the tables inside `transaction`, makes them where the directory is new, and upgrades those
// of an older format. Only to read: leaves everything as it is. Returns the format that was found.
Result<uint32_t> open_tables(const std::filesystem::path& path, MDB_txn* transaction,
                             Tables& tables, bool make_new, const Clock* clock, Entropy* entropy) {
  const auto empty = is_empty(transaction);
  if (!empty) return cannot_open(path, reason_of(empty.error()));
  if (*empty && make_new) {
    int error = open_all(transaction, MDB_CREATE, tables);
    if (!error) error = open_logs(transaction, MDB_CREATE, tables);
    if (!error) error = write_meta(transaction, tables.meta, *clock, *entropy);
    if (error) return cannot_open(path, "making the tables: " + reason_of(error));
    return kFormatVersion;
  }
  const auto format = stored_format(transaction);
  if (!format) return cannot_open(path, reason_of(format.error()));
  if (!*format) return cannot_open(path, "data.mdb is not a file of this server");
  if (**format > kFormatVersion) {
    return cannot_open(
        path, fmt::format("its format is {}, and this server knows formats up to {}; use the newer "
                          "server that wrote it",
                          **format, kFormatVersion));
  }
  if (const int error = open_all(transaction, 0, tables)) {
    return cannot_open(path, "opening the tables: " + reason_of(error));
  }
  int error = 0;
  if (**format > 1) {
    error = open_logs(transaction, 0, tables);
  } else if (make_new) {
    error = upgrade_from_1(transaction, tables);
    if (!error) error = write_format(transaction, tables.meta);
  }
  if (error) return cannot_open(path, "opening the tables: " + reason_of(error));
  return **format;
}

// What is free inside the file and may be used anew, counted up to `enough`. LMDB's own table 0 has
// an entry for each transaction that freed pages: their number, then theirs. It lets only a read
// transaction look.
uint64_t free_bytes(ReadTransaction& view, uint64_t page_size, uint64_t enough) {
  constexpr MDB_dbi kFreePages = 0;
  if (view.renew() != 0) return 0;
  uint64_t bytes = 0;
  MDB_cursor* cursor = nullptr;
  if (mdb_cursor_open(view.handle(), kFreePages, &cursor) == 0) {
    MDB_val key, value;
    while (bytes < enough && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
      size_t pages = 0;
      if (value.mv_size >= sizeof(pages)) std::memcpy(&pages, value.mv_data, sizeof(pages));
      bytes += pages * page_size;
    }
    mdb_cursor_close(cursor);
  }
  view.pause();
  return bytes;
}

// Whoever wrote what is there may not have synced it: a process that syncs now and then and was
// killed, or a copy into the directory. What is shown must be on the disk.
Result<void> sync_all(Environment& environment, const std::filesystem::path& path) {
  const WatchedCalls calls;
  if (const int error = environment.sync()) {
    return cannot_open(path,
                       fmt::format("the disk does not confirm data.mdb: {}; look at the disk, "
                                   "then start again",
                                   reason_of(error)));
  }
  if (auto synced = sync_directory(path); !synced) return synced;
  return sync_parent(path);
}

// After a failed sync the page cache shows what the disk may not have, and the next sync may
// succeed all the same, because the kernel reports a lost write once. So the next start reads the
// disk.
void drop_cached(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return;
  posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  close(fd);
}

// Readers that this process did not begin, and that look as if it had.
bool has_old_readers(MDB_env* environment) {
  const pid_t self = getpid();
  return std::ranges::count(readers_of(environment), self, &Reader::process) > 1;
}

}  // namespace

Result<std::unique_ptr<Environment>> Environment::open(const EnvironmentOptions& options,
                                                       const Clock& clock, Entropy& entropy) {
  const AsOwner owner(options.path);
  if (auto prepared = prepare_directory(options.path); !prepared) {
    return std::unexpected(prepared.error());
  }
  const auto lock = lock_directory(options.path);
  if (!lock) return std::unexpected(lock.error());
  std::unique_ptr<Environment> made(new Environment);
  made->lock_ = *lock;

  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t reserve = reserve_of(options.map_size) / page * page;
  made->growth_limit_ = options.map_size / page * page - reserve;
  // Data that is larger than the option says is taken as it is, with room to shrink.
  std::error_code absent;
  const uint64_t stored = std::filesystem::file_size(options.path / "data.mdb", absent);
  const uint64_t needed = absent ? 0 : (stored + page - 1) / page * page + reserve;
  const uint64_t map_size = std::max(options.map_size / page * page, needed);
  made->end_limit_ = map_size - reserve / 2 / page * page;

  int error = made->open_map(options, map_size);
  // LMDB takes readers of a process that died with our process id for ours, and clears ours only
  // when it closes. A container's first process has the same id each time.
  if (!error && has_old_readers(made->env_)) {
    made->view_.reset();
    mdb_env_close(std::exchange(made->env_, nullptr));
    error = made->open_map(options, map_size);
  }
  if (error) return cannot_open(options.path, reason_of(error));

  WriteTransaction transaction;
  if ((error = transaction.begin(*made))) return cannot_open(options.path, reason_of(error));
  const auto format =
      open_tables(options.path, transaction.handle(), made->tables_, true, &clock, &entropy);
  if (!format) return std::unexpected(format.error());
  made->found_format_ = *format;
  if ((error = transaction.commit())) return cannot_open(options.path, reason_of(error));
  if (auto synced = sync_all(*made, options.path); !synced) {
    made.reset();
    drop_cached(options.path / kDataFile);
    return std::unexpected(synced.error());
  }
  return made;
}

Result<std::unique_ptr<Environment>> Environment::open_to_read(const std::filesystem::path& path,
                                                               bool alone) {
  std::error_code status;
  if (!std::filesystem::exists(path / "data.mdb", status)) {
    return cannot_open(path, "there is no store in it");
  }
  const AsOwner owner(path);  // LMDB makes lock.mdb when it is missing
  std::unique_ptr<Environment> made(new Environment);
  int error = mdb_env_create(&made->env_);
  if (!error) error = mdb_env_set_maxdbs(made->env_, kMaxTables);
  if (!error) error = mdb_env_set_maxreaders(made->env_, kMaxReaders);
  const unsigned flags = MDB_RDONLY | MDB_NOTLS | (alone ? MDB_NOLOCK : 0U);
  if (!error) error = mdb_env_open(made->env_, path.c_str(), flags, kFileMode);
  if (error) return cannot_open(path, reason_of(error));

  MDB_txn* transaction = nullptr;
  error = mdb_txn_begin(made->env_, nullptr, MDB_RDONLY, &transaction);
  if (error) return cannot_open(path, reason_of(error));
  auto opened = open_tables(path, transaction, made->tables_, false, nullptr, nullptr);
  // Handles that a transaction opened live on only if it is committed.
  error = mdb_txn_commit(transaction);
  if (!opened) return std::unexpected(opened.error());
  if (error) return cannot_open(path, reason_of(error));
  made->found_format_ = *opened;
  return made;
}

// With a view, which shows that there is a place for readers.
int Environment::open_map(const EnvironmentOptions& options, uint64_t map_size) {
  unsigned flags = MDB_NOTLS;
  if (!options.sync_commits) flags |= MDB_NOSYNC;
  int error = mdb_env_create(&env_);
  if (!error) error = mdb_env_set_maxdbs(env_, kMaxTables);
  if (!error) error = mdb_env_set_maxreaders(env_, kMaxReaders);
  if (!error) error = mdb_env_set_mapsize(env_, map_size);
  if (!error) error = mdb_env_open(env_, options.path.c_str(), flags, kFileMode);
  if (!error) error = mdb_reader_check(env_, nullptr);
  if (error) return error;
  view_ = std::make_unique<ReadTransaction>(*this);
  error = view_->renew();
  if (!error) view_->pause();
  return error;
}

Environment::~Environment() {
  view_.reset();
  if (env_ != nullptr) mdb_env_close(env_);
  if (lock_ >= 0) close(lock_);
}

Environment::Allowance Environment::allowance_of(Room room) const {
  if (room == Room::none) return {};
  const uint64_t limit = room == Room::more ? growth_limit_ : end_limit_;
  MDB_envinfo info;
  MDB_stat stat;
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  const uint64_t file_end = (info.me_last_pgno + 1) * stat.ms_psize;
  if (file_end <= limit) return {.limit = limit};
  const uint64_t kept = info.me_mapsize - limit;
  const uint64_t behind = info.me_mapsize - std::min<uint64_t>(file_end, info.me_mapsize);
  const uint64_t free = behind + free_bytes(*view_, stat.ms_psize, kept);
  return {.limit = free < kept ? 0 : Allowance::kNoLimit, .only_small = true};
}

store::Space Environment::space() const {
  MDB_envinfo info;
  MDB_stat stat;
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  const uint64_t file_end = (info.me_last_pgno + 1) * stat.ms_psize;
  ReadTransaction view(*this);  // not the committer's: this is for any thread
  const uint64_t free = free_bytes(view, stat.ms_psize, file_end);
  return {
      .used = file_end - std::min(file_end, free), .most = info.me_mapsize, .allocated = file_end};
}

bool Environment::panicked() const {
  const int error = view_->renew();
  if (!error) view_->pause();
  return error == MDB_PANIC;
}

uint64_t Environment::clear_dead_readers() const {
  int dead = 0;
  if (mdb_reader_check(env_, &dead) != 0) return 0;
  dead_readers_ += static_cast<uint64_t>(dead);
  return static_cast<uint64_t>(dead);
}

int ReadTransaction::renew() {
  if (transaction_ != nullptr) return mdb_txn_renew(transaction_);
  const auto begin = [this] {
    return mdb_txn_begin(environment_.handle(), nullptr, MDB_RDONLY, &transaction_);
  };
  const int error = begin();
  if (error != MDB_READERS_FULL || environment_.clear_dead_readers() == 0) return error;
  return begin();
}

std::expected<std::optional<std::string_view>, int> find(MDB_txn* transaction, MDB_dbi table,
                                                         std::string_view key) {
  MDB_val wanted = as_val(key);
  MDB_val value;
  const int error = mdb_get(transaction, table, &wanted, &value);
  if (error == MDB_NOTFOUND) return std::nullopt;
  if (error) return std::unexpected(error);
  return as_view(value);
}

int put(MDB_txn* transaction, MDB_dbi table, std::string_view key, std::string_view value) {
  MDB_val at = as_val(key);
  MDB_val with = as_val(value);
  return mdb_put(transaction, table, &at, &with, 0);
}

int erase(MDB_txn* transaction, MDB_dbi table, std::string_view key) {
  MDB_val at = as_val(key);
  return mdb_del(transaction, table, &at, nullptr);
}

}  // namespace sojourn::lmdb
