#include "opening.h"

#include <fmt/format.h>

#include <charconv>

#include "redis/slot.h"

namespace sojourn::redis {
namespace {

constexpr std::string_view kFormatKey = "{sojourn}:format";
constexpr int kLeastMajorVersion = 7;

using Checked = std::expected<void, Unready>;

std::unexpected<Unready> unfit(std::string sentence) {
  return std::unexpected(Unready{std::move(sentence), false});
}

std::unexpected<Unready> unanswered(const Failure& failure, const Client& client) {
  const auto trouble = client.trouble();
  return std::unexpected(
      Unready{fmt::format("The Redis servers cannot be used ({}); see that they are up, and the "
                          "options store.redis.*: url, username, password_file, tls.",
                          trouble ? trouble->reason : failure.error.detail),
              !trouble || !trouble->lasting});
}

// (g++ 12 takes no braced lists in coroutines.)
template <class... Word>
Command command(uint16_t slot, const Word&... word) {
  return Command(slot, {std::string_view(word)...});
}

// The value of "name:value" in what INFO answers.
std::string_view field(std::string_view info, std::string_view name) {
  size_t at = 0;
  while (at < info.size()) {
    const size_t end = std::min(info.find("\r\n", at), info.size());
    const std::string_view line = info.substr(at, end - at);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
      return line.substr(name.size() + 1);
    }
    at = end + 2;
  }
  return {};
}

// What CONFIG GET says of `name`.
std::string setting(const Reply& reply, std::string_view name) {
  for (size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
    if (reply.elements[i].text == name) return reply.elements[i + 1].text;
  }
  return {};
}

Checked check_version(const NodeOutcome& node, const Client& client) {
  if (!node.outcome) return unanswered(node.outcome.error(), client);
  const std::string_view version = field(node.outcome->reply.text, "redis_version");
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  if (!node.outcome->reply.is_error() && major < kLeastMajorVersion) {
    return unfit(
        fmt::format("The Redis server {} is version {}; 7.0 or later, or Valkey, is needed.",
                    node.node.text(), version));
  }
  return {};
}

Checked check_settings(const NodeOutcome& node, const Client& client, Log& log) {
  if (!node.outcome) return unanswered(node.outcome.error(), client);
  const Reply& reply = node.outcome->reply;
  const std::string where = node.node.text();
  if (reply.is_error()) {
    log.write(
        LogLevel::warning, "redis.settings_unknown",
        "The Redis server does not let this user read its settings (CONFIG GET): make sure that "
        "maxmemory-policy is noeviction and that it persists what it holds.",
        {{"server", where}, {"code", reply.error_code()}});
    return {};
  }
  const std::string policy = setting(reply, "maxmemory-policy");
  if (policy != "noeviction") {
    return unfit(fmt::format(
        "The Redis server {} has maxmemory-policy {}, which throws live sessions away when memory "
        "runs short; set it to noeviction.",
        where, policy));
  }
  if (setting(reply, "appendonly") != "yes" && setting(reply, "save").empty()) {
    log.write(LogLevel::warning, "redis.not_persistent",
              "The Redis server keeps nothing on disk: a restart ends all sessions that no replica "
              "has. Set appendonly to yes.",
              {{"server", where}});
  } else if (setting(reply, "appendonly") != "yes" || setting(reply, "appendfsync") == "no") {
    log.write(LogLevel::warning, "redis.seldom_persistent",
              "The Redis server writes to disk now and then only: a crash loses what was changed "
              "since. Set appendonly to yes, and appendfsync to always or everysec.",
              {{"server", where}});
  }
  return {};
}

Task<Checked> check_format(Client& client) {
  const std::string ours = std::to_string(kFormatVersion);
  const uint16_t slot = slot_of(kFormatKey);
  Command make = command(slot, "SET", kFormatKey, ours, "NX");
  make.repeatable = true;
  const auto made = co_await client.send(std::move(make));
  if (!made) co_return unanswered(made.error(), client);
  // When the servers are full, a database that is ours can still be opened.
  if (made->reply.is_error() && made->reply.error_code() != "OOM") {
    co_return unfit(fmt::format(
        "The Redis servers refuse to write ({}); see what the user may do, and their logs.",
        made->reply.error_code()));
  }
  Command read = command(slot, "GET", kFormatKey);
  read.repeatable = true;
  const auto format = co_await client.send(std::move(read));
  if (!format) co_return unanswered(format.error(), client);
  if (format->reply.text != ours) {
    co_return unfit(
        fmt::format("The Redis servers hold sessions of format {:?}, and this version knows {}; "
                    "use the version "
                    "of sojourn that wrote them, or a later one.",
                    format->reply.text, ours));
  }
  co_return Checked();
}

// Scripts do everything here, and ask their server for the time.
Task<Checked> check_scripts(Client& client) {
  Command run = command(slot_of(kFormatKey), "EVAL", "return redis.call('TIME')", "1", kFormatKey);
  run.repeatable = true;
  const auto ran = co_await client.send(std::move(run));
  if (!ran) co_return unanswered(ran.error(), client);
  if (ran->reply.is_error()) {
    co_return unfit(fmt::format(
        "The Redis servers run no scripts for this user ({}); see what the user may do.",
        ran->reply.text));
  }
  co_return Checked();
}

}  // namespace

Task<Checked> check_servers(Client& client, Log& log) {
  const auto versions = co_await client.send_to_all_masters(command(0, "INFO", "server"));
  if (!versions) co_return unanswered(versions.error(), client);
  for (const NodeOutcome& node : *versions) {
    if (const auto fine = check_version(node, client); !fine) co_return fine;
  }
  const auto settings = co_await client.send_to_all_masters(
      command(0, "CONFIG", "GET", "maxmemory-policy", "appendonly", "appendfsync", "save"));
  if (!settings) co_return unanswered(settings.error(), client);
  for (const NodeOutcome& node : *settings) {
    if (const auto fine = check_settings(node, client, log); !fine) co_return fine;
  }
  if (const auto fine = co_await check_format(client); !fine) co_return fine;
  co_return co_await check_scripts(client);
}

}  // namespace sojourn::redis
