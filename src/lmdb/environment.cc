#include "environment.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "as_owner.h"
#include "data_file.h"
#include "directory.h"
#include "encoding/bytes.h"
#include "file_operations.h"
#include "lock_table.h"
#include "page_audit.h"
#include "readers.h"
#include "staging.h"
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

constexpr std::string_view kCreated = "created";
constexpr std::string_view kStoreId = "store-id";
constexpr size_t kStoreIdBytes = 16;

std::string reason_of(int error) {
  switch (error) {
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
      return "data.mdb is not a file of this server, or is damaged";
    case ENOSPC:
    case EDQUOT:
      return "there is no room on the disk";
    case ENOMEM:
      return "the memory map does not fit; make map_size smaller";
    case EAGAIN:
      return "a process of the same process id, in another container, has it open; wait until that "
             "one ends";
    default:
      return mdb_strerror(error);
  }
}

int open_all(MDB_txn* transaction, unsigned flags, Tables& tables) {
  for (const auto& [name, handle] : kTables) {
    if (const int error = mdb_dbi_open(transaction, name, flags, &(tables.*handle))) return error;
  }
  return 0;
}

int open_logs(MDB_txn* transaction, unsigned flags, Tables& tables) {
  return mdb_dbi_open(transaction, kLogsName, flags, &tables.logs.emplace());
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

// The format of the store, when it is one that this server can read.
Result<uint32_t> readable_format(const std::filesystem::path& path, const View& view) {
  const auto format = format_of(view);
  if (!format) return cannot_open(path, "data.mdb is not a file of this server");
  if (*format <= kFormatVersion) return *format;
  return cannot_open(
      path, fmt::format("its format is {}, and this server knows formats up to {}; use the newer "
                        "server that wrote it",
                        *format, kFormatVersion));
}

// Whether this program's LMDB sees the same in the file as page.h does.
bool agrees_with_lmdb(MDB_txn* transaction, const Tables& tables, const View& view) {
  const auto agrees = [&](Table table, MDB_dbi handle) {
    MDB_stat stat;
    const auto tree = view.tree(table);
    return tree && mdb_stat(transaction, handle, &stat) == 0 && tree->depth == stat.ms_depth &&
           tree->branch_pages == stat.ms_branch_pages && tree->leaf_pages == stat.ms_leaf_pages &&
           tree->overflow_pages == stat.ms_overflow_pages && tree->entries == stat.ms_entries;
  };
  for (size_t i = 0; i < std::size(kTables); ++i) {
    if (!agrees(static_cast<Table>(i), tables.*kTables[i].handle)) return false;
  }
  return !tables.logs || agrees(Table::logs, *tables.logs);
}

enum class OlderFormat { leave, upgrade };

// Opens the tables inside `transaction`, which sees what `view` does. Returns the format that was
// found.
Result<uint32_t> open_tables(const std::filesystem::path& path, MDB_txn* transaction,
                             Tables& tables, const View& view, OlderFormat older) {
  const auto format = readable_format(path, view);
  if (!format) return format;
  int error = open_all(transaction, 0, tables);
  if (!error && *format > 1) error = open_logs(transaction, 0, tables);
  if (error) return cannot_open(path, "opening the tables: " + reason_of(error));
  if (!agrees_with_lmdb(transaction, tables, view)) {
    return cannot_open(path, "this program's LMDB lays its pages out in an unknown way");
  }
  if (*format > 1 || older == OlderFormat::leave) return *format;
  error = upgrade_from_1(transaction, tables);
  if (!error) error = write_format(transaction, tables.meta);
  if (error) return cannot_open(path, "upgrading the tables: " + reason_of(error));
  return *format;
}

// An error of LMDB, or 0, of making data.mdb with empty tables in an empty directory.
int make_data_file(const std::filesystem::path& directory, const Clock& clock, Entropy& entropy) {
  MDB_env* environment = nullptr;
  MDB_txn* transaction = nullptr;
  Tables tables;
  int error = mdb_env_create(&environment);
  if (!error) error = mdb_env_set_maxdbs(environment, kMaxTables);
  if (!error) error = mdb_env_open(environment, directory.c_str(), MDB_NOLOCK, kFileMode);
  if (!error) error = mdb_txn_begin(environment, nullptr, 0, &transaction);
  if (!error) error = open_all(transaction, MDB_CREATE, tables);
  if (!error) error = open_logs(transaction, MDB_CREATE, tables);
  if (!error) error = write_meta(transaction, tables.meta, clock, entropy);
  if (!error) error = mdb_txn_commit(std::exchange(transaction, nullptr));
  mdb_txn_abort(transaction);
  mdb_env_close(environment);
  return error;
}

// Makes a store where there is none: whole, or not at all.
Result<void> make_store(const std::filesystem::path& path, const Clock& clock, Entropy& entropy) {
  const WatchedCalls calls;  // for tests
  auto staging = Staging::begin(path, kFirstStartDirectory);
  if (!staging) return std::unexpected(staging.error());
  if (const int error = make_data_file((*staging)->work(), clock, entropy)) {
    return cannot_open(path, "making data.mdb: " + reason_of(error));
  }
  return (*staging)->finish();
}

// What is free inside the file and may be used anew, counted up to `enough`; nothing when the list
// is damaged.
uint64_t free_bytes(ReadTransaction& transaction, uint64_t page_size, uint64_t enough) {
  if (transaction.renew() != 0) return 0;
  const View& view = transaction.view();
  uint64_t bytes = 0;
  PageWalk at(view.pages(), view.head().free, KeyOrder::integer);
  int moved = at.first();
  for (; !moved && bytes < enough; moved = at.next()) {
    uint64_t pages = 0;
    if (at.value().size() >= sizeof(pages)) std::memcpy(&pages, at.value().data(), sizeof(pages));
    bytes += pages * page_size;
  }
  transaction.pause();
  return moved == MDB_CORRUPTED ? 0 : bytes;
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

std::string text_of(const PageFault& fault) {
  return fmt::format(
      "data.mdb is damaged (page {} {}); run \"sojourn check\", then restore a backup", fault.page,
      fault.what);
}

}  // namespace

Result<std::unique_ptr<Environment>> Environment::open(const EnvironmentOptions& options,
                                                       const Clock& clock, Entropy& entropy) {
  const AsOwner owner(options.path);
  if (auto prepared = prepare_directory(options.path); !prepared) {
    return std::unexpected(prepared.error());
  }
  const auto data_file = options.path / kDataFile;
  std::error_code status;
  if (!std::filesystem::exists(data_file, status)) {
    if (auto made = make_store(options.path, clock, entropy); !made) {
      return std::unexpected(made.error());
    }
  }
  const auto lock = lock_directory(options.path);
  if (!lock) return std::unexpected(lock.error());
  std::unique_ptr<Environment> made(new Environment(options.path));
  made->lock_ = *lock;
  remove_leftovers(options.path);
  const auto head = newest_head(data_file, options.sync_commits);
  if (!head) return cannot_open(options.path, head.error());

  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t reserve = reserve_of(options.map_size) / page * page;
  made->growth_limit_ = options.map_size / page * page - reserve;
  // Data that is larger than the option says is taken as it is, with room to shrink.
  const uint64_t stored = std::filesystem::file_size(data_file, status);
  const uint64_t needed = status ? 0 : (stored + page - 1) / page * page + reserve;
  const uint64_t map_size = std::max(options.map_size / page * page, needed);
  made->end_limit_ = map_size - reserve / 2 / page * page;

  if (auto mapped = made->open_map(options, map_size); !mapped) {
    return std::unexpected(mapped.error());
  }
  // LMDB takes readers of a process that died with our process id for ours, and clears ours only
  // when it closes. A container's first process has the same id each time.
  if (has_old_readers(made->env_)) {
    made->close_map();
    if (auto mapped = made->open_map(options, map_size); !mapped) {
      return std::unexpected(mapped.error());
    }
  }
  if (auto checked = made->check_file(true); !checked) return std::unexpected(checked.error());

  WriteTransaction transaction;
  int error = made->view_->renew();
  if (!error) error = transaction.begin(*made);
  if (error) return cannot_open(options.path, reason_of(error));
  const auto format = open_tables(options.path, transaction.handle(), made->tables_,
                                  made->view_->view(), OlderFormat::upgrade);
  if (!format) return std::unexpected(format.error());
  made->found_format_ = *format;
  made->view_->pause();
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
  if (!std::filesystem::exists(path / kDataFile, status)) {
    return cannot_open(path, "there is no store in it");
  }
  const auto head = newest_head(path / kDataFile, true);
  if (!head) return cannot_open(path, head.error());
  const AsOwner owner(path);  // a lock.mdb that is missing is made
  std::unique_ptr<Environment> made(new Environment(path));
  int error = mdb_env_create(&made->env_);
  if (error) return cannot_open(path, reason_of(error));
  if (auto opened = made->open_files(MDB_RDONLY | MDB_NOTLS | (alone ? MDB_NOLOCK : 0U)); !opened) {
    return std::unexpected(opened.error());
  }
  if (auto checked = made->check_file(false); !checked) return std::unexpected(checked.error());

  // LMDB's handles go with the transaction; pages need none.
  ReadTransaction now(*made);
  if ((error = now.renew())) return cannot_open(path, reason_of(error));
  const auto format =
      open_tables(path, now.handle(), made->tables_, now.view(), OlderFormat::leave);
  if (!format) return std::unexpected(format.error());
  made->found_format_ = *format;
  return made;
}

// With a view, which shows that there is a place for readers.
Result<void> Environment::open_map(const EnvironmentOptions& options, uint64_t map_size) {
  unsigned flags = MDB_NOTLS;
  if (!options.sync_commits) flags |= MDB_NOSYNC;
  int error = mdb_env_create(&env_);
  if (!error) error = mdb_env_set_mapsize(env_, map_size);
  if (error) return cannot_open(path_, reason_of(error));
  if (auto opened = open_files(flags); !opened) return opened;
  error = mdb_reader_check(env_, nullptr);
  if (!error) {
    view_ = std::make_unique<ReadTransaction>(*this);
    error = view_->renew();
  }
  if (error) return cannot_open(path_, reason_of(error));
  view_->pause();
  return {};
}

// No fault is looked for in maps that are gone.
void Environment::close_map() {
  view_.reset();
  maps_.clear();
  if (env_ != nullptr) mdb_env_close(std::exchange(env_, nullptr));
}

// Opens and maps data.mdb and lock.mdb.
Result<void> Environment::open_files(unsigned flags) {
  const bool with_lock_table = (flags & MDB_NOLOCK) == 0;
  if (with_lock_table) {
    if (auto allocated = allocate_lock_table(path_); !allocated) return allocated;
  }
  WatchedMaps watched;
  int error = mdb_env_set_maxdbs(env_, kMaxTables);
  if (!error) error = mdb_env_set_maxreaders(env_, kMaxReaders);
  if (!error) {
    error = mdb_env_set_assert(env_, [](MDB_env*, const char*) { note_failed_assertion(); });
  }
  if (!error) error = mdb_env_open(env_, path_.c_str(), flags, kFileMode);
  if (error) return cannot_open(path_, reason_of(error));
  // LMDB maps the table of readers first, which a read-only file system does without.
  const auto& maps = watched.maps();
  assert(maps.size() == 1 || maps.size() == 2);
  if (maps.size() == 2) {
    maps_.push_back(std::make_unique<MappedFile>(path_ / kLockTableFile, maps.front().address,
                                                 maps.front().size));
  }
  const WatchedMaps::Map& data = maps.back();
  maps_.push_back(std::make_unique<MappedFile>(path_ / kDataFile, data.address, data.size));
  MDB_stat stat;
  mdb_env_stat(env_, &stat);
  first_page_ = data.address;
  page_size_ = stat.ms_psize;
  mapped_pages_ = data.size / page_size_;
  return {};
}

// Whether the file is as long as it says, and LMDB's own tables, which no checksum protects, are
// sound; before LMDB follows anything in it.
Result<void> Environment::check_file(bool free_list) {
  int major = 0, minor = 0;
  mdb_version(&major, &minor, nullptr);
  if (major != 0 || minor != 9) {
    return cannot_open(path_, fmt::format("this program was linked with LMDB {}.{}, and knows the "
                                          "files of 0.9",
                                          major, minor));
  }
  ReadTransaction transaction(*this);
  if (const int error = transaction.renew()) return cannot_open(path_, reason_of(error));
  const Head& head = transaction.view().head();
  const Pages pages = pages_of_file(head);
  const uint64_t missing = head.last_page + 1 - pages.count;
  if (missing > 0 || free_list) {
    // Free pages at the end may never have been written.
    std::vector<bool> seen(head.last_page + 1);
    uint64_t free_and_missing = 0;
    std::optional<PageNumber> twice;
    const auto listed = each_free_page(pages, head, [&](PageNumber page) {
      if (seen[page]) twice = page;
      seen[page] = true;
      if (page >= pages.count) ++free_and_missing;
    });
    if (missing > 0 && (!listed || twice || free_and_missing != missing)) {
      return cannot_open(path_,
                         fmt::format("data.mdb is cut: it has {} pages of {}; restore a backup",
                                     pages.count, head.last_page + 1));
    }
    if (!listed) return cannot_open(path_, text_of(listed.error()));
    if (twice) return cannot_open(path_, text_of({*twice, "is free twice"}));
  }
  PageWalk table(pages, head.main);
  int moved = table.first();
  while (!moved) moved = table.next();
  if (moved == MDB_CORRUPTED) return cannot_open(path_, text_of(table.fault()));
  return {};
}

Pages Environment::pages_of_file(const Head& head) const {
  int fd = -1;
  struct stat status{};
  mdb_env_get_fd(env_, &fd);
  const uint64_t in_file =
      fstat(fd, &status) == 0 ? static_cast<uint64_t>(status.st_size) / page_size_ : 0;
  return {first_page_, page_size_, std::min(pages(head).count, in_file)};
}

Pages Environment::pages(const Head& head) const {
  return {first_page_, page_size_, std::min(head.last_page, mapped_pages_ - 1) + 1};
}

bool Environment::in_place() const {
  int fd = -1;
  mdb_env_get_fd(env_, &fd);
  struct stat opened{}, named{};
  return fstat(fd, &opened) == 0 && stat((path_ / kDataFile).c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

bool Environment::disk_has_room(uint64_t bytes) const {
  int fd = -1;
  mdb_env_get_fd(env_, &fd);
  struct stat status{};
  rlimit limit{};
  if (fstat(fd, &status) != 0 || getrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
  if (static_cast<uint64_t>(status.st_size) + bytes > limit.rlim_cur) return false;
  if (fallocate(fd, FALLOC_FL_KEEP_SIZE, status.st_size, static_cast<off_t>(bytes)) == 0)
    return true;
  if (errno != EOPNOTSUPP) return false;
  struct statvfs disk{};
  return fstatvfs(fd, &disk) == 0 && uint64_t{disk.f_bavail} * disk.f_frsize >= bytes;
}

Environment::Environment(std::filesystem::path path) : path_(std::move(path)) {}

Environment::~Environment() {
  close_map();
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
  int fd = -1;
  struct statvfs disk{};
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  mdb_env_get_fd(env_, &fd);
  const uint64_t file_end = (info.me_last_pgno + 1) * stat.ms_psize;
  ReadTransaction view(*this);  // not the committer's: this is for any thread
  const uint64_t free = free_bytes(view, stat.ms_psize, file_end);
  store::Space space{
      .used = file_end - std::min(file_end, free), .most = info.me_mapsize, .allocated = file_end};
  space.room = space.most - std::min(space.most, space.used);
  if (fstatvfs(fd, &disk) == 0) {
    space.disk_available = uint64_t{disk.f_bavail} * disk.f_frsize;
    space.room = std::min(space.room, *space.disk_available + (file_end - space.used));
  }
  return space;
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
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    if (const int error = begin()) return error;
    if (load_head()) return 0;
    pause();
  }
  return MDB_CORRUPTED;
}

// With a place in the table of readers from the first call on.
int ReadTransaction::begin() {
  if (transaction_ != nullptr) return mdb_txn_renew(transaction_);
  const auto take_place = [this] {
    return mdb_txn_begin(environment_.handle(), nullptr, MDB_RDONLY, &transaction_);
  };
  const int error = take_place();
  if (error != MDB_READERS_FULL || environment_.clear_dead_readers() == 0) return error;
  return take_place();
}

// Reads the head of the commit that the transaction sees; false when a later commit wrote over it
// meanwhile: the second one after it does.
bool ReadTransaction::load_head() {
  const uint64_t number = mdb_txn_id(transaction_);
  const auto head_at = [this](uint64_t place) {
    return environment_.first_page_ + place * environment_.page_size_ + kPageHeaderBytes;
  };
  const auto transaction_at = [&head_at](uint64_t place) {
    uint64_t transaction;
    std::memcpy(&transaction, head_at(place) + offsetof(Head, transaction), sizeof(transaction));
    return transaction;
  };
  const uint64_t place = transaction_at(number % 2) == number ? number % 2 : 1 - number % 2;
  Head head;
  std::memcpy(&head, head_at(place), sizeof(head));
  std::atomic_thread_fence(std::memory_order_acquire);
  if (head.transaction != number || transaction_at(place) != number) return false;
  const bool beside_a_writer =
      environment_.lock_ < 0;  // which alone keeps the file as long as it is
  view_.show(beside_a_writer ? environment_.pages_of_file(head) : environment_.pages(head), head);
  return true;
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
