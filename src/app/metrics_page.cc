#include "metrics_page.h"

#include <algorithm>

#include "domain/tenant_id.h"
#include "store/session_store.h"
#include "telemetry/exposition.h"

namespace sojourn::app {
namespace {

using telemetry::Exposition;

// A page for more tenants than this would cost the monitoring more than it tells.
constexpr size_t kMostTenants = 1'000;
// What the tenants beyond are summed under. No tenant of this name is shown beside it: such a one
// is added to it.
constexpr std::string_view kOtherTenants = "_OTHER";

#if defined(__clang__)
constexpr std::string_view kCompiler = "clang " __clang_version__;
#else
constexpr std::string_view kCompiler = "gcc " __VERSION__;
#endif

void add_process(Exposition& page, const MetricsSources& from) {
  telemetry::add_process_metrics(page);
  page.gauge("sojourn_build_info", "1, with what this program is as labels.", 1,
             {{"version", SOJOURN_VERSION}, {"compiler", kCompiler}});
  page.counter("sojourn_config_reloads_total", "Loads of the options at SIGHUP.",
               from.reloads.succeeded.load(), {{"result", "good"}});
  page.counter("sojourn_config_reloads_total", "", from.reloads.failed.load(),
               {{"result", "failed"}});
  page.gauge("sojourn_config_last_reload_successful",
             "0 when the last SIGHUP found a mistake in the options, else 1.",
             !from.reloads.last_failed.load());
  page.gauge("sojourn_config_last_good_load_timestamp_seconds",
             "When options were last loaded without a mistake, since the Unix epoch.",
             from.reloads.last_good_time.load());
  page.counter("sojourn_log_lines_dropped_total",
               "Lines of the log that were lost because standard error did not take them.",
               from.log.dropped());
}

telemetry::Labels with(telemetry::Labels labels, std::string_view reason) {
  labels.emplace_back("reason", reason);
  return labels;
}

void add_connections(Exposition& page, const MetricsSources& from) {
  const std::pair<std::string_view, const http::Server*> servers[] = {
      {"public", from.public_server}, {"admin", from.admin_server}};
  const auto each = [&](auto add) {
    for (const auto& [listener, server] : servers) {
      if (server != nullptr) add(telemetry::Labels{{"listener", listener}}, *server);
    }
  };
  each([&](const telemetry::Labels& labels, const http::Server& server) {
    page.gauge("sojourn_connections", "Client connections open.", server.open_connections(),
               labels);
  });
  each([&](const telemetry::Labels& labels, const http::Server& server) {
    page.counter("sojourn_connections_accepted_total",
                 "Client connections accepted, those turned away included.",
                 server.accepted_connections(), labels);
  });
  each([&](const telemetry::Labels& labels, const http::Server& server) {
    page.counter("sojourn_connections_turned_away_total",
                 "Client connections closed at once because there were too many.",
                 server.turned_away_connections(), with(labels, "max_connections"));
    page.counter("sojourn_connections_turned_away_total", "", server.turned_away_clients(),
                 with(labels, "max_connections_per_client"));
  });
  each([&](const telemetry::Labels& labels, const http::Server& server) {
    page.counter("sojourn_connections_stalled_total",
                 "Client connections closed because the client did not take its answer.",
                 server.stalled_connections(), labels);
  });
  each([&](const telemetry::Labels& labels, const http::Server& server) {
    page.gauge("sojourn_unsent_bytes", "Bytes of answers that wait for clients to take them.",
               server.unsent_bytes(), labels);
  });
  each([&](const telemetry::Labels& labels, const http::Server& server) {
    page.gauge("sojourn_unsent_max_bytes", "Beyond it long answers are refused.",
               server.max_unsent_bytes(), labels);
  });
  each([&](const telemetry::Labels& labels, const http::Server& server) {
    page.counter("sojourn_unsent_refusals_total",
                 "Long answers refused, and event streams cut, because too many bytes waited for "
                 "slow clients.",
                 server.unsent_refusals(), labels);
  });
  each([&](const telemetry::Labels& labels, const http::Server& server) {
    page.gauge("sojourn_connections_max", "Client connections that may be open.",
               server.max_connections(), labels);
  });
  each([&](const telemetry::Labels& labels, const http::Server& server) {
    page.counter("sojourn_accept_failures_total",
                 "Times that a connection could not be accepted, for want of descriptors or "
                 "memory.",
                 server.failed_accepts(), labels);
  });
  each([&](const telemetry::Labels& labels, const http::Server& server) {
    if (const auto time = server.certificate_not_after()) {
      page.gauge("sojourn_tls_certificate_not_after_timestamp_seconds",
                 "When the certificate that is shown ends, since the Unix epoch.",
                 time->time_since_epoch().count(), labels);
    }
  });
}

void add_streams(Exposition& page, const MetricsSources& from) {
  uint64_t opened = 0, closed = 0, gaps = 0;
  DistributionView delays;
  for (const api::StreamCounters* loop : from.streams) {
    // Closed first: so a stream that ends meanwhile makes no negative number.
    closed += loop->closed.value();
    opened += loop->opened.value();
    delays += loop->delays.view();
    gaps += loop->gaps.value();
  }
  page.gauge("sojourn_event_streams", "Event streams open.", opened - std::min(opened, closed));
  page.histogram("sojourn_event_delivery_delay_seconds",
                 "From an event happening to its being handed to an event stream, for each event "
                 "and stream.",
                 delays, 1e-3);
  page.counter("sojourn_event_gaps_total",
               "Pages of events and event streams that told a client of missing events.", gaps);
}

void add_store(Exposition& page, const store::Statistics& store, bool healthy) {
  page.gauge("sojourn_store_healthy", "1 while the store acknowledges changes, else 0.", healthy);
  page.counter("sojourn_store_commits_total", "Changes that were taken in, by how they ended.",
               store.committed, {{"outcome", "committed"}});
  page.counter("sojourn_store_commits_total", "", store.conflicts, {{"outcome", "conflict"}});
  page.counter("sojourn_store_commits_total", "", store.failed, {{"outcome", "failed"}});
  page.counter("sojourn_store_commits_refused_total",
               "Changes not taken in: too many waited, or the store acknowledges nothing.",
               store.refused);
  page.gauge("sojourn_store_commits_waiting", "Changes that wait to be committed.", store.waiting);
  page.histogram(
      "sojourn_store_commit_duration_seconds",
      "Of one transaction, or of one change in servers elsewhere, confirmation included.",
      store.commit_duration, 1e-9);
}

// Other processes that read it, such as a backup.
void add_readers(Exposition& page, const store::ReaderStatistics& readers) {
  page.gauge("sojourn_store_other_readers", "Readings of the store by other processes.",
             readers.others);
  page.gauge("sojourn_store_oldest_reader_seconds",
             "How long the oldest reading has kept freed room from use.",
             static_cast<double>(readers.oldest.count()) / 1e3);
  page.counter("sojourn_store_dead_readers_total",
               "Readings that were cleared because their process had ended.", readers.cleared);
}

// A store on this machine's disk.
void add_disk(Exposition& page, const store::Statistics& store) {
  page.histogram("sojourn_store_batch_size", "Changes in one transaction.", store.batch_sizes, 1);
  page.counter("sojourn_store_failed_batches_total", "Transactions given up.",
               store.failed_batches);
  page.counter("sojourn_store_sync_failures_total", "Writes that the disk did not confirm.",
               store.failed_syncs);
  page.counter("sojourn_store_commits_timed_out_total",
               "Changes answered 503 because the disk did not confirm them in time.",
               store.timed_out);
  page.counter("sojourn_store_damaged_reads_total", "Reads that met a damaged record.",
               store.damaged_reads);
  page.gauge("sojourn_store_used_bytes", "Bytes of the store that hold something.",
             store.space->used);
  page.gauge("sojourn_store_file_bytes", "Size of the store's file, which never shrinks.",
             store.space->allocated);
  page.gauge("sojourn_store_map_bytes", "The most that the store may grow to.", store.space->most);
  page.gauge("sojourn_store_room_bytes",
             "Bytes that the store may still take: up to the map's end or the disk's, whichever "
             "comes first.",
             store.space->room);
  if (store.space->disk_available) {
    page.gauge("sojourn_store_disk_available_bytes", "Bytes free on the disk of the store.",
               *store.space->disk_available);
  }
}

void add_redis(Exposition& page, const store::ServerStatistics& redis) {
  constexpr std::string_view kCommands = "sojourn_redis_commands_total";
  page.counter(kCommands, "Commands to Redis servers, by how they ended.", redis.answered,
               {{"outcome", "answered"}});
  page.counter(kCommands, "", redis.timed_out, {{"outcome", "timed_out"}});
  page.counter(kCommands, "", redis.lost, {{"outcome", "lost"}});
  page.counter(kCommands, "", redis.refused, {{"outcome", "refused"}});
  page.gauge("sojourn_redis_commands_waiting", "Commands without an answer.", redis.waiting);
  page.histogram("sojourn_redis_command_duration_seconds",
                 "Of the answered commands, redirects and retries included.", redis.durations,
                 1e-9);
  page.counter("sojourn_redis_retries_total",
               "Commands that were put off and tried again; redirects are not counted.",
               redis.retries);
  for (const auto& [code, count] : redis.errors) {
    page.counter("sojourn_redis_error_replies_total", "Error replies of Redis servers, by code.",
                 count, {{"code", code}});
  }
  page.counter("sojourn_redis_unconfirmed_writes_total",
               "Writes that fewer than store.redis.wait_replicas confirmed in time.",
               redis.unconfirmed);
  page.gauge("sojourn_redis_connections", "Connections to Redis servers open.", redis.connections);
  constexpr std::string_view kConnects = "sojourn_redis_connects_total";
  page.counter(kConnects, "Tries to connect to a Redis server, by result.", redis.connects,
               {{"result", "good"}});
  page.counter(kConnects, "", redis.failed_connects, {{"result", "failed"}});
  page.counter("sojourn_redis_connections_lost_total",
               "Connections to Redis servers that broke, or were given up without an answer.",
               redis.lost_connections);
  page.gauge("sojourn_redis_failing_shards",
             "Of the 1,024 parts of the store, those that did not answer the reaper lately.",
             redis.failing_shards);
  page.counter("sojourn_redis_slot_map_refreshes_total",
               "Times that servers said which of them serves which slots.", redis.map_refreshes);
}

void add_sessions(Exposition& page, const store::TenantCounts& stored) {
  constexpr std::string_view kName = "sojourn_sessions";
  constexpr std::string_view kHelp =
      "Sessions stored; those whose time is over until the reaper removes them.";
  domain::Counts others = stored.others;
  const auto add = [&](std::string_view tenant, const domain::Counts& counts) {
    page.gauge(kName, kHelp, counts.named, {{"tenant", tenant}, {"kind", "named"}});
    page.gauge(kName, kHelp, counts.anonymous, {{"tenant", tenant}, {"kind", "anonymous"}});
  };
  for (const auto& [tenant, counts] : stored.tenants) {
    if (tenant.text() == kOtherTenants) {
      others.named += counts.named;
      others.anonymous += counts.anonymous;
    } else {
      add(tenant.text(), counts);
    }
  }
  add(kOtherTenants, others);
}

void add_reaper(Exposition& page, const ReaperCounters& reaper, Duration lag) {
  page.gauge("sojourn_reaper_lag_seconds",
             "How long the oldest thing that is due has waited to be removed or looked at.",
             static_cast<double>(lag.count()) / 1e3);
  constexpr std::string_view kName = "sojourn_reaper_removed_total";
  constexpr std::string_view kHelp = "What the reaper removed because its time was over.";
  page.counter(kName, kHelp, reaper.sessions.value(), {{"what", "session"}});
  page.counter(kName, kHelp, reaper.keys.value(), {{"what", "idempotency_key"}});
  page.counter(kName, kHelp, reaper.events.value(), {{"what", "event"}});
  page.counter("sojourn_reaper_failures_total", "Steps of the reaper that failed.",
               reaper.failures.value());
}

}  // namespace

Task<std::string> metrics_page(const MetricsSources& from) {
  const Time now = from.clock.now();
  const auto due = co_await from.store.due(now, 1);
  Exposition page;
  add_process(page, from);
  telemetry::add_request_metrics(page, from.requests);
  add_connections(page, from);
  add_streams(page, from);
  const store::Statistics statistics = from.engine.statistics();
  add_store(page, statistics, from.engine.healthy());
  if (statistics.space) add_disk(page, statistics);
  if (statistics.readers) add_readers(page, *statistics.readers);
  if (statistics.servers) add_redis(page, *statistics.servers);
  // What cannot be read is left away: a gap says so, and a 0 would be a lie.
  if (const auto sessions = from.engine.sessions_by_tenant(kMostTenants)) {
    add_sessions(page, *sessions);
  }
  if (due) add_reaper(page, from.reaper, due->empty() ? Duration(0) : now - due->front().filed_at);
  co_return page.text();
}

}  // namespace sojourn::app
