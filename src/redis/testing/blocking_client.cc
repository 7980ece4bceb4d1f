#include "blocking_client.h"

#include <hiredis/hiredis.h>

#include <charconv>
#include <sstream>
#include <stdexcept>

namespace sojourn::redis::testing {
namespace {

constexpr timeval kPatience{.tv_sec = 10, .tv_usec = 0};
constexpr int kMaxRedirections = 16;

Reply converted(const redisReply& from) {
  Reply reply;
  switch (from.type) {
    case REDIS_REPLY_STATUS:
      reply.kind = Reply::Kind::status;
      break;
    case REDIS_REPLY_STRING:
      reply.kind = Reply::Kind::string;
      break;
    case REDIS_REPLY_ERROR:
      reply.kind = Reply::Kind::error;
      break;
    case REDIS_REPLY_INTEGER:
      reply.kind = Reply::Kind::integer;
      reply.integer = from.integer;
      return reply;
    case REDIS_REPLY_ARRAY:
      reply.kind = Reply::Kind::array;
      for (size_t i = 0; i < from.elements; ++i)
        reply.elements.push_back(converted(*from.element[i]));
      return reply;
    default:
      return reply;
  }
  reply.text.assign(from.str, static_cast<size_t>(from.len));
  return reply;
}

std::unexpected<Failure> lost(std::string why) {
  return std::unexpected(
      Failure{.error = {ErrorKind::store_unavailable, std::move(why)}, .maybe_executed = true});
}

// "MOVED 3999 127.0.0.1:6381"
NodeAddress target_of(const std::string& text) {
  const size_t space = text.rfind(' ');
  const size_t colon = text.rfind(':');
  NodeAddress node{.host = text.substr(space + 1, colon - space - 1)};
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), node.port);
  return node;
}

}  // namespace

void BlockingClient::Closer::operator()(redisContext* context) const { redisFree(context); }

BlockingClient::BlockingClient(NodeAddress first) : first_(std::move(first)) {}
BlockingClient::~BlockingClient() = default;

void BlockingClient::close() { connections_.clear(); }

Outcome BlockingClient::ask(const NodeAddress& node, const std::string& bytes) {
  Connection& connection = connections_[node];
  if (!connection || connection->err != 0) {
    connection.reset(redisConnectWithTimeout(node.host.c_str(), node.port, kPatience));
    if (!connection || connection->err != 0) return lost("no connection");
    redisSetTimeout(connection.get(), kPatience);
  }
  redisAppendFormattedCommand(connection.get(), bytes.data(), bytes.size());
  void* raw = nullptr;
  if (redisGetReply(connection.get(), &raw) != REDIS_OK) return lost(connection->errstr);
  Answer answer{.reply = converted(*static_cast<redisReply*>(raw)), .replicas = 0};
  freeReplyObject(raw);
  counters_->answered.add();
  return answer;
}

Task<Outcome> BlockingClient::send(Command command) {
  NodeAddress node = slots_.contains(command.slot) ? slots_[command.slot] : first_;
  for (int i = 0; i < kMaxRedirections; ++i) {
    Outcome outcome = ask(node, command.bytes);
    if (!outcome || outcome->reply.error_code() != "MOVED") return outcome;
    node = target_of(outcome->reply.text);
    slots_[command.slot] = node;
  }
  return Outcome(lost("redirected too often"));
}

std::vector<NodeAddress> BlockingClient::masters() {
  const auto nodes = ask(first_, "*2\r\n$7\r\nCLUSTER\r\n$5\r\nNODES\r\n");
  if (!nodes || nodes->reply.is_error()) return {first_};
  std::vector<NodeAddress> all;
  std::istringstream lines(nodes->reply.text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string id;
    std::string address;
    std::string flags;
    words >> id >> address >> flags;
    if (flags.find("master") != std::string::npos) {
      all.push_back(target_of(" " + address.substr(0, address.find('@'))));
    }
  }
  return all;
}

Task<std::expected<std::vector<NodeOutcome>, Failure>> BlockingClient::send_to_all_masters(
    Command command) {
  std::vector<NodeOutcome> outcomes;
  for (const NodeAddress& node : masters()) outcomes.push_back({node, ask(node, command.bytes)});
  return std::expected<std::vector<NodeOutcome>, Failure>(std::move(outcomes));
}

}  // namespace sojourn::redis::testing
