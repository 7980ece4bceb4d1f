// The composition root: the only place that knows every part. Parts are built from the bottom up,
// each is handed its neighbours, and they go in the opposite order.
#include "serve.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "admin/admin.h"
#include "api/api.h"
#include "api/error_table.h"
#include "housekeeper.h"
#include "http/server.h"
#include "json_log.h"
#include "lmdb/lmdb_store.h"
#include "net/loop.h"
#include "sessions/operations.h"
#include "steady_clock.h"
#include "store/session_store.h"
#include "system_entropy.h"

namespace sojourn::app {
namespace {

// What all threads share.
struct Shared {
  const config::Options& options;
  JsonLog log;
  SteadyClock clock;
  SystemEntropy entropy;
  sessions::Tenants tenants{options.tenants};
};

// A thread with the means to run use cases. Shared with no other thread, so they need no locks.
struct Worker {
  Worker(Shared& shared, lmdb::LmdbEngine& engine)
      : store(engine.store_for(loop)),
        context{*store, shared.clock, shared.entropy, shared.tenants, shared.options.events} {}

  net::Loop loop;
  std::unique_ptr<store::SessionStore> store;
  sessions::Context context;
};

// One that answers requests.
struct ApiWorker : Worker {
  ApiWorker(Shared& shared, lmdb::LmdbEngine& engine)
      : Worker(shared, engine),
        api{shared.options.api, context, loop},
        service(api::make_service(api)) {}

  api::Api api;
  std::unique_ptr<http::Service> service;
};

// One that removes what is over.
struct HousekeepingWorker : Worker {
  HousekeepingWorker(Shared& shared, lmdb::LmdbEngine& engine)
      : Worker(shared, engine), housekeeper(context, loop, shared.log) {}

  Housekeeper housekeeper;
};

void keep_adjusting(SteadyClock& clock, Timer& timer) {
  timer.after(std::chrono::milliseconds(200), [&clock, &timer] {
    clock.adjust();
    keep_adjusting(clock, timer);
  });
}

// SIGTERM and SIGINT are taken by wait_for_end() alone; blocked before any thread starts, so that
// every thread inherits it. Writing to a connection that is gone is an error code, not a signal.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // likewise writing beyond a limit of file size
  return signals;
}

int wait_for_end(const sigset_t& signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
  return signal;
}

// Closes the store before the loops that its answers go to are gone, however serve() ends.
struct CloseAtEnd {
  lmdb::LmdbEngine& engine;
  ~CloseAtEnd() { engine.close(); }
};

// One descriptor per connection: take what the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

std::expected<void, std::string> serve(const config::Options& options) {
  const sigset_t signals = block_signals();
  raise_descriptor_limit();

  Shared shared{options};
  JsonLog& log = shared.log;
  auto engine = lmdb::LmdbEngine::open(options.lmdb, shared.clock, shared.entropy, log);
  if (!engine) return std::unexpected(engine.error().detail);

  const size_t threads = options.http_threads != 0
                             ? options.http_threads
                             : std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::unique_ptr<ApiWorker>> workers;
  std::vector<net::Loop*> loops;
  for (size_t i = 0; i < threads; ++i) {
    workers.push_back(std::make_unique<ApiWorker>(shared, **engine));
    loops.push_back(&workers.back()->loop);
  }
  HousekeepingWorker housekeeping(shared, **engine);
  const CloseAtEnd close_at_end{**engine};

  auto server = http::Server::listen(
      options.http, loops, [&](size_t i) -> http::Service& { return *workers[i]->service; });
  if (!server) return std::unexpected(server.error().detail);

  // The admin listener has a loop of its own: it answers when the others are busy.
  std::atomic<bool> draining = false;
  net::Loop admin_loop;
  const auto admin_service =
      admin::make_service({.readiness =
                               [&] {
                                 if (draining) return admin::Readiness::draining;
                                 return (*engine)->healthy() ? admin::Readiness::ready
                                                             : admin::Readiness::store_unavailable;
                               },
                           .errors = api::write_error});
  std::unique_ptr<http::Server> admin_server;
  if (!options.admin_listen.empty()) {
    http::ServerOptions admin_options;
    admin_options.listen = options.admin_listen;
    admin_options.max_connections = 100;
    auto listening = http::Server::listen(admin_options, {&admin_loop},
                                          [&](size_t) -> http::Service& { return *admin_service; });
    if (!listening) return std::unexpected(listening.error().detail);
    admin_server = *std::move(listening);
    admin_loop.start();
  }
  for (net::Loop* loop : loops) loop->start();
  housekeeping.housekeeper.start();
  keep_adjusting(shared.clock, housekeeping.loop);
  housekeeping.loop.start();

  // The one line on standard output: whoever started us can wait for it.
  const std::string admin_url = admin_server ? "http://" + admin_server->address() : "off";
  fmt::print("sojourn ready public=http://{} admin={} store=lmdb:{}\n", (*server)->address(),
             admin_url, options.lmdb.path.string());
  std::fflush(stdout);
  log.write(LogLevel::info, "server.started", "Ready.",
            {{"public", (*server)->address()}, {"admin", admin_url}});

  const int signal = wait_for_end(signals);
  log.write(LogLevel::info, "server.draining", "Finishing the requests in flight.",
            {{"signal", sigabbrev_np(signal)}});
  draining = true;
  (*server)->drain();
  const bool drained = (*server)->wait_until_drained(options.drain_timeout);
  housekeeping.loop.stop();
  (*engine)->close();
  if (!drained) {
    // Connections are still open after the limit, and some may be in the middle of a request. Every
    // acknowledged change is on disk; the rest ends with the process.
    log.write(LogLevel::warning, "server.stopped",
              "Requests in flight were cut when http.drain_timeout was over.");
    std::_Exit(0);
  }
  log.write(LogLevel::info, "server.stopped", "All requests were finished.");
  admin_loop.stop();
  for (net::Loop* loop : loops) loop->stop();
  return {};
}

}  // namespace sojourn::app
