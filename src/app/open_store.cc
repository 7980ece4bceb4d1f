#include "open_store.h"

#include <fmt/format.h>

#include <string_view>

#include "base/file.h"
#include "lmdb/lmdb_store.h"
#include "redis/redis_store.h"

namespace sojourn::app {
namespace {

// The servers that a URL names, without user and password.
std::string servers_in(std::string_view url) {
  const size_t scheme = url.find("//");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 2);
  const size_t user = url.rfind('@');
  if (user != std::string_view::npos) url.remove_prefix(user + 1);
  return std::string(url);
}

std::expected<OpenedStore, std::string> open_lmdb(const config::Options& options,
                                                  const Clock& clock, Entropy& entropy, Log& log) {
  auto engine = lmdb::LmdbEngine::open(options.lmdb, clock, entropy, log);
  if (!engine) return std::unexpected(std::move(engine.error().detail));
  return OpenedStore{*std::move(engine), "lmdb:" + options.lmdb.path.string()};
}

// The first line of the file.
std::expected<std::string, std::string> read_password(const std::filesystem::path& path) {
  constexpr size_t kMost = 64UL * 1024;
  const auto refused = [&](const std::string& why) {
    return std::unexpected(fmt::format(
        "store.redis.password_file: cannot read a password from {}: {}.", path.string(), why));
  };
  const auto text = read_file(path, kMost);
  if (!text) return refused(text.error());
  std::string password = text->substr(0, text->find('\n'));
  if (password.empty()) return refused("its first line is empty");
  return password;
}

struct RedisParts {
  redis::RedisStoreOptions of_store;
  std::shared_ptr<const redis::Access> access;
};

// Reads the files that the options name, and asks no server.
std::expected<RedisParts, std::string> redis_parts(const config::Options& options) {
  RedisParts parts{.of_store = {.servers = options.redis, .indexed = options.lmdb.indexed},
                   .access = nullptr};
  if (!options.redis_password_file.empty()) {
    auto password = read_password(options.redis_password_file);
    if (!password) return std::unexpected(std::move(password.error()));
    parts.of_store.servers.password = *std::move(password);
  }
  auto access = redis::make_access(parts.of_store.servers);
  if (!access) return std::unexpected(access.error().detail);
  parts.access = *std::move(access);
  return parts;
}

std::expected<OpenedStore, std::string> open_redis(const config::Options& options, Entropy& entropy,
                                                   Log& log, const std::function<bool()>& stop) {
  const auto parts = redis_parts(options);
  if (!parts) return std::unexpected(parts.error());
  const auto make_client = [access = parts->access, &entropy, &log](net::Loop& loop) {
    return redis::make_client(loop, access, entropy, log);
  };
  auto engine = redis::RedisEngine::open(parts->of_store, make_client, entropy, log, stop);
  if (!engine) return std::unexpected(std::move(engine.error().detail));
  return OpenedStore{*std::move(engine), "redis:" + servers_in(options.redis.url)};
}

}  // namespace

std::expected<void, std::string> check_store_options(const config::Options& options) {
  if (options.store != config::StoreKind::redis) return {};
  if (const auto parts = redis_parts(options); !parts) return std::unexpected(parts.error());
  return {};
}

std::expected<OpenedStore, std::string> open_store(const config::Options& options,
                                                   const Clock& clock, Entropy& entropy, Log& log,
                                                   const std::function<bool()>& stop) {
  switch (options.store) {
    case config::StoreKind::lmdb:
      return open_lmdb(options, clock, entropy, log);
    case config::StoreKind::redis:
      break;
  }
  return open_redis(options, entropy, log, stop);
}

}  // namespace sojourn::app
