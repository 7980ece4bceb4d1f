#include "redis_servers.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "blocking_client.h"
#include "redis/slot.h"

namespace sojourn::redis::testing {
namespace {

// What a command prints. Throws when it fails.
std::string output_of(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot run " + command);
  std::string output;
  std::array<char, 4096> buffer{};
  while (const size_t size = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.append(buffer.data(), size);
  }
  if (pclose(pipe) != 0) throw std::runtime_error("failed: " + command);
  while (output.ends_with('\n')) output.pop_back();
  return output;
}

std::filesystem::path new_folder() {
  std::string name = std::filesystem::temp_directory_path() / "sojourn-redis-XXXXXX";
  if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
  return name;
}

// The first server of the URL.
NodeAddress first_of(const std::string& url) {
  const size_t begin = url.find("//") + 2;
  const std::string host = url.substr(begin, url.find(',', begin) - begin);
  NodeAddress node{.host = host.substr(0, host.find(':'))};
  const size_t colon = host.find(':') + 1;
  std::from_chars(host.data() + colon, host.data() + host.size(), node.port);
  return node;
}

}  // namespace

RedisServers::RedisServers(const std::string& arguments)
    : folder_(new_folder()),
      url_(output_of(fmt::format("{} start {} {}", REDIS_CLUSTER, folder_.string(), arguments))) {}

RedisServers::~RedisServers() {
  if (std::system(fmt::format("{} stop {}", REDIS_CLUSTER, folder_.string()).c_str()) != 0) {
    fmt::print(stderr, "could not stop the servers in {}\n", folder_.string());
    return;
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

ClientFactory RedisServers::client_factory() {
  RedisOptions options;
  options.url = url_;
  return [access = make_access(options).value()](net::Loop& loop) {
    static SystemRandom entropy;
    static NoLog log;
    return make_client(loop, access, entropy, log);
  };
}

std::unique_ptr<Client> RedisServers::blocking_client() {
  return std::make_unique<BlockingClient>(first_of(url_));
}

void RedisServers::forget_all() { ask_all({"FLUSHALL"}); }

Reply RedisServers::ask(std::initializer_list<std::string_view> words) {
  BlockingClient client(first_of(url_));
  const uint16_t slot = words.size() > 1 ? slot_of(*(words.begin() + 1)) : uint16_t{0};
  auto outcome = client.send(Command(slot, words)).take();
  if (!outcome) throw std::runtime_error(outcome.error().error.detail);
  return std::move(outcome->reply);
}

std::vector<Reply> RedisServers::ask_all(std::initializer_list<std::string_view> words) {
  BlockingClient client(first_of(url_));
  auto outcomes = client.send_to_all_masters(Command(0, words)).take();
  std::vector<Reply> replies;
  for (auto& [node, outcome] : outcomes.value()) {
    if (!outcome) throw std::runtime_error(outcome.error().error.detail);
    replies.push_back(std::move(outcome->reply));
  }
  return replies;
}

RedisServers& single_redis() {
  static RedisServers servers("--single --appendfsync off");
  return servers;
}

RedisServers& redis_cluster() {
  static RedisServers servers("--masters 3 --replicas 1 --appendfsync off");
  return servers;
}

void SystemRandom::fill(std::span<std::byte> out) {
  size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t got = getrandom(out.data() + filled, out.size() - filled, 0);
    if (got < 0) throw std::runtime_error("no randomness");
    filled += static_cast<size_t>(got);
  }
}

}  // namespace sojourn::redis::testing
