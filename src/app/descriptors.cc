#include "descriptors.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>

namespace sojourn::app {
namespace {

constexpr size_t kOfLoop = 3;       // epoll, timerfd, eventfd
constexpr size_t kOfListener = 2;   // on each loop: the listening socket, and one held in reserve
constexpr size_t kOtherLoops = 2;   // the housekeeper's and the admin listener's
constexpr size_t kOfLmdb = 8;       // its files and their directory
constexpr size_t kOfRedisNode = 5;  // for each loop, as they are needed
constexpr size_t kRedisNodes = 16;  // for which there is room in any case, if the limit is not low
constexpr size_t kSpare = 16;       // reloads, metrics, name resolution, the service manager
constexpr size_t kLeastPublic = 8;  // fewer are not worth a start
constexpr size_t kLeastAdmin = 4;   // a scrape and health checks at once
constexpr size_t kTurnedAway = 64;  // beyond, they are closed without an answer

}  // namespace

size_t io_threads(const config::Options& options) {
  if (options.http_threads != 0) return options.http_threads;
  return std::max(1U, std::thread::hardware_concurrency());
}

DescriptorLimit raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  DescriptorLimit found{.most = limit.rlim_cur};
  // Beyond these, the few that a caller leaves open make no difference.
  constexpr size_t kLooked = 1024;
  for (size_t i = 0; i < std::min(found.most, kLooked); ++i) {
    if (fcntl(static_cast<int>(i), F_GETFD) != -1) ++found.inherited;
  }
  return found;
}

std::expected<DescriptorShares, std::string> share_descriptors(const DescriptorLimit& limit,
                                                               const config::Options& options) {
  const size_t threads = io_threads(options);
  const size_t loops = threads + kOtherLoops;
  const size_t listeners = threads + 1;
  const bool has_redis = options.store == config::StoreKind::redis;
  const size_t fixed =
      limit.inherited + loops * kOfLoop + listeners * kOfListener + kOfLmdb + kSpare;
  // One turned away on each loop.
  const size_t least = fixed + kLeastPublic + kLeastAdmin + listeners;
  if (limit.most < least) {
    return std::unexpected(
        fmt::format("The limit of open files is {}, and with http.threads = {} at least {} are "
                    "needed: raise it "
                    "(LimitNOFILE in a systemd unit, ulimit -n in a shell), or lower http.threads.",
                    limit.most, threads, least));
  }
  size_t rest = limit.most - fixed;
  if (has_redis) rest -= std::min(loops * kOfRedisNode * kRedisNodes, (rest - (least - fixed)) / 2);
  const size_t turned_away = std::clamp<size_t>(rest / 8 / listeners, 1, kTurnedAway);
  rest -= turned_away * listeners;

  // Health comes first; what the public listener does not ask for is the admin listener's.
  const size_t http_most = options.http.max_connections;
  const size_t admin_most = options.admin.max_connections;
  const size_t for_health = std::min(admin_most, std::max(kLeastAdmin, rest / 8));
  DescriptorShares shares;
  shares.http = {std::min(http_most, rest - for_health), turned_away};
  shares.admin = {std::min(admin_most, rest - shares.http.connections), turned_away};
  if (shares.http.connections < http_most || shares.admin.connections < admin_most) {
    shares.warning = fmt::format(
        "The limit of open files is {}, so at most {} connections of http.max_connections = {} and "
        "{} of admin.max_connections = {} can be open at once: raise it (LimitNOFILE in a systemd "
        "unit, ulimit -n in a shell).",
        limit.most, shares.http.connections, http_most, shares.admin.connections, admin_most);
  }
  return shares;
}

}  // namespace sojourn::app
