#include "open_store.h"

#include <fstream>
#include <string_view>

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
  return OpenedStore{*std::move(engine), Recovery::by_restart,
                     "lmdb:" + options.lmdb.path.string()};
}

std::expected<OpenedStore, std::string> open_redis(const config::Options& options, Entropy& entropy,
                                                   Log& log, const std::function<bool()>& stop) {
  redis::RedisStoreOptions of_store{.servers = options.redis, .indexed = options.lmdb.indexed};
  if (!options.redis_password_file.empty()) {
    std::ifstream file(options.redis_password_file);
    if (!std::getline(file, of_store.servers.password)) {
      return std::unexpected("store.redis.password_file: cannot read a password from " +
                             options.redis_password_file.string() + ".");
    }
  }
  const auto access = redis::make_access(of_store.servers);
  if (!access) return std::unexpected(access.error().detail);
  const auto make_client = [access = *access, &entropy, &log](net::Loop& loop) {
    return redis::make_client(loop, access, entropy, log);
  };
  auto engine = redis::RedisEngine::open(of_store, make_client, entropy, log, stop);
  if (!engine) return std::unexpected(std::move(engine.error().detail));
  return OpenedStore{*std::move(engine), Recovery::by_itself,
                     "redis:" + servers_in(options.redis.url)};
}

}  // namespace

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
