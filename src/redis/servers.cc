#include "servers.h"

#include <charconv>
#include <cmath>

#include "keys.h"

namespace sojourn::redis {

Task<Outcome> Servers::send(Effect effect, size_t shard, std::vector<std::string> words) {
  const std::vector<std::string_view> views(words.begin(), words.end());
  Command command(slot_of_shard(shard), views);
  command.repeatable = effect != Effect::write_once;
  command.writes = effect != Effect::read;
  if (effect != Effect::read) command.replicas = replicas_;
  co_return co_await client_.send(std::move(command));
}

Result<Reply> Servers::judged(Outcome outcome, Effect effect, std::string_view what) {
  if (!outcome) {
    if (outcome.error().error.kind == ErrorKind::store_unavailable) health_.failed();
    return std::unexpected(std::move(outcome.error().error));
  }
  Reply& reply = outcome->reply;
  if (reply.error_code() == "OOM") {
    return failure(ErrorKind::store_full,
                   "The store is full; try again when sessions have ended or it was made larger.");
  }
  if (reply.is_error()) {
    health_.failed();
    // Only the code: the text may hold a part of the command.
    log_.write(LogLevel::error, "redis.refused", "A Redis server refused a command.",
               {{"code", reply.error_code()}, {"command", what}});
    return failure(ErrorKind::store_unavailable, "The store cannot do this now; try again.");
  }
  if (effect != Effect::read && outcome->replicas < replicas_) {
    health_.failed();
    return failure(ErrorKind::store_unavailable,
                   "Too few replicas have confirmed the change, which may have been made all the "
                   "same; try again.");
  }
  health_.succeeded();
  return std::move(reply);
}

Task<Result<Reply>> Servers::run(const Script& script, size_t shard, std::vector<std::string> keys,
                                 std::vector<std::string> arguments) {
  std::vector<std::string> words = {"EVALSHA", script.sha, std::to_string(keys.size())};
  for (std::string& key : keys) words.push_back(std::move(key));
  for (std::string& argument : arguments) words.push_back(std::move(argument));
  auto outcome = co_await send(script.effect, shard, words);
  if (outcome && outcome->reply.error_code() == "NOSCRIPT") {
    // A server that was restarted, or was a replica. It keeps the script from now on.
    words[0] = "EVAL";
    words[1] = script.source;
    outcome = co_await send(script.effect, shard, std::move(words));
  }
  co_return judged(std::move(outcome), script.effect, script.name);
}

Task<Result<Reply>> Servers::call(Effect effect, size_t shard, std::vector<std::string> words) {
  const std::string name = words[0];
  auto outcome = co_await send(effect, shard, std::move(words));
  co_return judged(std::move(outcome), effect, name);
}

std::unexpected<Error> strange_reply() {
  return failure(ErrorKind::store_unavailable,
                 "A Redis server answered what this version does not understand.");
}

std::optional<int64_t> number_in(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (text.empty() || read.ec != std::errc() || read.ptr != end || std::abs(number) > 9e18) {
    return std::nullopt;
  }
  return static_cast<int64_t>(number);
}

const Reply& element(const Reply& reply, size_t place) {
  static const Reply nothing;
  return place < reply.elements.size() ? reply.elements[place] : nothing;
}

}  // namespace sojourn::redis
