// The composition root: the only place that knows every part. Parts are built from the bottom up,
// each is handed its neighbours, and they go in the opposite order.
#include "serve.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <functional>
#include <memory>
#include <semaphore>
#include <system_error>
#include <vector>

#include "admin/admin.h"
#include "api/error_table.h"
#include "descriptor_writer.h"
#include "end_limit.h"
#include "http/server.h"
#include "json_log.h"
#include "live_options.h"
#include "metrics_page.h"
#include "net/loop.h"
#include "open_store.h"
#include "reload.h"
#include "service_manager.h"
#include "signals.h"
#include "steady_clock.h"
#include "system_entropy.h"
#include "telemetry/accept_log.h"
#include "telemetry/refusal_log.h"
#include "worker.h"

namespace sojourn::app {
namespace {

void keep_adjusting(SteadyClock& clock, Timer& timer) {
  timer.after(std::chrono::milliseconds(200), [&clock, &timer] {
    clock.adjust();
    keep_adjusting(clock, timer);
  });
}

void keep_looking(telemetry::RefusalLog& refusals, telemetry::AcceptLog& accepts, Timer& timer) {
  timer.after(std::chrono::seconds(1), [&refusals, &accepts, &timer] {
    refusals.look();
    accepts.look();
    keep_looking(refusals, accepts, timer);
  });
}

telemetry::AcceptLog::Listener accepts_of(std::string name, const http::Server& server) {
  return {std::move(name), [&server] { return server.failed_accepts(); },
          [&server] { return server.last_accept_error(); }};
}

// Closes the store before the loops that its answers go to are gone, however serve() ends.
struct CloseAtEnd {
  store::Engine& engine;
  ~CloseAtEnd() { engine.close(); }
};

// After http.drain_timeout, for the last commits.
constexpr Duration kCloseLimit = std::chrono::seconds(1);

std::optional<admin::Unreadiness> unreadiness_of(const store::Engine& engine, bool draining) {
  if (draining) return admin::Unreadiness{"draining"};
  const auto trouble = engine.trouble();
  if (!trouble) return std::nullopt;
  return admin::Unreadiness{trouble->status, trouble->reason};
}

void log_keys(const LiveOptions& options, Log& log) {
  if (!options.keys) return;
  const size_t count = options.keys->keys().size();
  if (count == 0) {
    log.write(
        LogLevel::warning, "keys.loaded",
        "The key file holds no key: every request is refused until it does and SIGHUP is sent.");
    return;
  }
  log.write(LogLevel::info, "keys.loaded", "Requests are asked for an API key.",
            {{"keys", std::to_string(count)}});
}

void log_warnings(const LiveOptions& live, Log& log) {
  for (const std::string& warning : live.warnings) {
    log.write(LogLevel::warning, "config.warning", warning);
  }
}

void log_security(const LiveOptions& live, Log& log) {
  for (const std::string& warning : live.security_warnings) {
    log.write(LogLevel::warning, "security.warning", warning);
  }
  const auto log_certificate = [&](const http::ServerSetup& listener, std::string_view name) {
    if (!listener.tls) return;
    log.write(LogLevel::info, "tls.certificate", "New connections are shown this certificate.",
              {{"listener", name},
               {"serial", listener.tls->serial()},
               {"not_after", fmt::format("{:%FT%TZ}", listener.tls->not_after())}});
  };
  log_certificate(live.http, "public");
  log_certificate(live.admin, "admin");
}

// Waits until every loop has come to what was posted to it before, which takes a moment; false when
// one is held up.
bool all_came_to_it(const std::vector<net::Loop*>& loops) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  const auto arrived = std::make_shared<std::counting_semaphore<>>(0);
  for (net::Loop* loop : loops) loop->post([arrived] { arrived->release(); });
  return std::ranges::all_of(loops,
                             [&](net::Loop*) { return arrived->try_acquire_until(deadline); });
}

// The one line on standard output: whoever started us can wait for it. A reader who is gone or does
// not read keeps nobody from being served.
void print_ready(const std::string& line, Log& log) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  const auto in_time = [&] { return std::chrono::steady_clock::now() < deadline; };
  if (DescriptorWriter(STDOUT_FILENO).write(line, in_time)) return;
  log.write(LogLevel::warning, "server.ready_unprinted",
            "Standard output does not take the ready line; the server serves all the same.",
            {{"reason", std::generic_category().message(errno)}});
}

std::string url_of(const http::Server& server, const http::ServerSetup& setup) {
  return (setup.tls ? "https://" : "http://") + server.address();
}

}  // namespace

std::expected<void, std::string> serve(const config::Loaded& loaded, const LoadOptions& load) {
  const config::Options& options = loaded.options;
  const Signals signals;
  const DescriptorLimit descriptors = raise_descriptor_limit();

  JsonLog log;
  log.set_level(options.log.level);
  EndLimit end_limit(signals, log, options.drain_timeout);
  SteadyClock clock;
  SystemEntropy entropy;
  const auto live = make_live(loaded, descriptors);
  if (!live) return std::unexpected(live.error());
  const auto opened =
      open_store(options, clock, entropy, log, [&signals] { return signals.end_is_asked_for(); });
  // Asked to end while it waited for a store: that is no failure.
  if (!opened && signals.end_is_asked_for()) return {};
  if (!opened) return std::unexpected(opened.error());
  store::Engine& engine = *opened->engine;
  limits::Limiter limiter;
  sessions::CreationsUnderWay creations;
  const Neighbours neighbours{engine, clock, entropy, log, limiter, creations};

  const size_t threads = io_threads(options);
  std::vector<std::unique_ptr<ApiWorker>> api_workers;
  std::vector<net::Loop*> loops;
  std::vector<telemetry::RequestWatch*> watches;
  for (size_t i = 0; i < threads; ++i) {
    api_workers.push_back(std::make_unique<ApiWorker>(neighbours, *live));
    loops.push_back(&api_workers.back()->loop);
    watches.push_back(&api_workers.back()->watch());
  }
  telemetry::RefusalLog refusals(watches, clock, log);
  HousekeepingWorker housekeeping(neighbours, *live);
  std::vector<Worker*> workers{&housekeeping};
  for (const auto& worker : api_workers) workers.push_back(worker.get());
  // The admin listener has a loop of its own: it answers when the others are busy.
  net::Loop admin_loop;
  const auto admin_store = engine.store_for(admin_loop);
  const CloseAtEnd close_at_end{engine};

  auto server = http::Server::listen(
      live->http, loops, [&](size_t i) -> http::Service& { return api_workers[i]->service(); },
      [&](size_t i) { return watches[i]; });
  if (!server) return std::unexpected(server.error().detail);

  std::atomic<bool> draining = false;
  ReloadCounters reloads;
  reloads.last_good_time = std::time(nullptr);
  access::Guard admin_guard(clock);
  admin_guard.use(live->keys);
  MetricsSources sources{.engine = engine,
                         .store = *admin_store,
                         .clock = clock,
                         .reloads = reloads,
                         .reaper = housekeeping.counters(),
                         .log = log,
                         .requests = {},
                         .streams = {},
                         .public_server = server->get()};
  for (const auto& worker : api_workers) {
    sources.requests.push_back(&worker->watch().counters());
    sources.streams.push_back(&worker->streams());
  }
  const auto admin_service =
      admin::make_service({.unreadiness = [&] { return unreadiness_of(engine, draining); },
                           .metrics = [&sources] { return metrics_page(sources); },
                           .guard = admin_guard,
                           .errors = api::write_error});
  std::unique_ptr<http::Server> admin_server;
  if (!options.admin.listen.empty()) {
    auto listening = http::Server::listen(live->admin, {&admin_loop},
                                          [&](size_t) -> http::Service& { return *admin_service; });
    if (!listening) return std::unexpected(listening.error().detail);
    admin_server = *std::move(listening);
    sources.admin_server = admin_server.get();
    admin_loop.start();
  }
  for (net::Loop* loop : loops) loop->start();
  keep_adjusting(clock, housekeeping.loop);
  std::vector<telemetry::AcceptLog::Listener> listeners{accepts_of("public", **server)};
  if (admin_server) listeners.push_back(accepts_of("admin", *admin_server));
  telemetry::AcceptLog accepts(std::move(listeners), clock, log);
  keep_looking(refusals, accepts, housekeeping.loop);
  housekeeping.start();

  log_warnings(*live, log);
  log_keys(*live, log);
  log_security(*live, log);
  const std::string public_url = url_of(**server, live->http);
  const std::string admin_url = admin_server ? url_of(*admin_server, live->admin) : "off";
  print_ready(fmt::format("sojourn ready public={} admin={} store={}\n", public_url, admin_url,
                          opened->name),
              log);
  const ServiceManager manager;
  const std::string status = "Serving at " + public_url;
  manager.ready(status);
  log.write(LogLevel::info, "server.started", "Ready.",
            {{"public", public_url}, {"admin", admin_url}});

  std::vector<net::Loop*> all_loops = loops;
  all_loops.push_back(&housekeeping.loop);
  if (admin_server) all_loops.push_back(&admin_loop);
  const auto apply = [&](const LiveOptions& changed) {
    log.set_level(changed.log.level);
    for (Worker* worker : workers) worker->apply(changed);
    (*server)->reload(changed.http);
    if (admin_server) {
      admin_loop.post([&admin_guard, keys = changed.keys] { admin_guard.use(keys); });
      admin_server->reload(changed.admin);
    }
    log_warnings(changed, log);
    log_keys(changed, log);
    log_security(changed, log);
    return all_came_to_it(all_loops);
  };
  Reloader reloader(options, descriptors, load, apply, reloads, log);
  Watchdog watchdog(
      {all_loops.begin(), all_loops.end()},
      [&] {  // a restart must help
        const auto trouble = engine.trouble();
        return !trouble || trouble->ends == store::Trouble::Ends::by_itself;
      },
      [&manager] { manager.alive(); });
  if (const auto interval = ServiceManager::watchdog_interval(); interval.count() > 0) {
    watchdog.start(housekeeping.loop, std::chrono::floor<Duration>(interval / 2));
  }
  end_limit.started();
  int signal = signals.wait();
  for (; signal == SIGHUP; signal = signals.wait()) {
    manager.reloading();
    reloader.reload();
    manager.ready(status);
  }
  // Acknowledged changes are on disk, so the process may end anywhere.
  const OnNextEnd second_signal(signals, [&log](int second) {
    log.write(
        LogLevel::warning, "server.stopped",
        fmt::format("Requests in flight were cut by a second signal, {}.", sigabbrev_np(second)));
    log.flush();
    std::_Exit(0);
  });
  manager.stopping();
  log.write(LogLevel::info, "server.draining", "Finishing the requests in flight.",
            {{"signal", sigabbrev_np(signal)}});
  draining = true;
  const Duration drain_timeout = reloader.running().drain_timeout;
  end_limit.ending(drain_timeout + kCloseLimit);
  (*server)->drain();
  const bool drained = (*server)->wait_until_drained(drain_timeout);
  housekeeping.loop.stop();
  refusals.finish();
  accepts.finish();
  engine.close();
  if (!drained) {
    // Connections are still open after the limit, and some may be in the middle of a request. Every
    // acknowledged change is on disk; the rest ends with the process.
    log.write(LogLevel::warning, "server.stopped",
              "Requests in flight were cut when http.drain_timeout was over.");
    log.flush();
    std::_Exit(0);
  }
  log.write(LogLevel::info, "server.stopped", "All requests were finished.");
  admin_loop.stop();
  for (net::Loop* loop : loops) loop->stop();
  return {};
}

}  // namespace sojourn::app
