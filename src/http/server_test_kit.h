// For the tests of the server: a server on a free port of the loopback, a service that can wait and
// fail, and a client that speaks in bytes. Every wait is bounded.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/eventually.h"
#include "http/server.h"

namespace sojourn::http {

// What a request at /wait waits for: the test's thread lets it go on, on the loop.
class Gate {
 public:
  explicit Gate(Executor& loop) : loop_(loop) {}

  auto pass() {
    struct Awaiter {
      Gate& gate;
      bool await_ready() const { return false; }
      void await_suspend(std::coroutine_handle<> handle) {
        const std::lock_guard lock(gate.mutex_);
        gate.waiting_ = handle;
        gate.changed_.notify_all();
      }
      void await_resume() const {}
    };
    return Awaiter{*this};
  }

  // False when no request comes to wait here in time.
  bool wait_for_request() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kTestLimit, [&] { return waiting_ != nullptr; });
  }

  bool has_request() {
    const std::lock_guard lock(mutex_);
    return waiting_ != nullptr;
  }

  // Lets the request that waits go on.
  bool release() {
    if (!wait_for_request()) return false;
    std::coroutine_handle<> handle;
    {
      const std::lock_guard lock(mutex_);
      handle = std::exchange(waiting_, nullptr);
    }
    loop_.post([handle] { handle.resume(); });
    return true;
  }

 private:
  Executor& loop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::coroutine_handle<> waiting_;
};

// /echo: the request's body, or its path and query; /wait, /wait-and-throw, /throw, /close, /big,
// /page, /60k; /stream: what stream_of makes; /scheme: by which the request came.
class TestService final : public Service {
 public:
  explicit TestService(Executor& loop) : gate(loop) {}

  Task<void> handle(Request& request, Response& response) override {
    ++answered;
    if (request.path == "/wait") return wait(request, response);
    if (request.path == "/wait-and-throw") return wait_and_throw(response);
    if (request.path == "/throw") throw std::runtime_error("no");
    if (request.path == "/stream") {
      response.content_type = "text/plain";
      response.stream = stream_of();
      return Task<void>::done();
    }
    if (request.path == "/big") {
      response.body.assign(kBig, 'b');
    } else if (request.path == "/page" || request.path == "/60k") {
      response.body.assign(request.path == "/page" ? kPage : 60'000, 'b');
    } else if (request.path == "/scheme") {
      response.body = request.scheme == Scheme::https ? "https" : "http";
    } else if (!request.body.empty()) {
      response.body = request.body;
    } else {
      response.body = std::string(request.path) + "?" + std::string(request.query);
    }
    response.close = request.path == "/close";
    return Task<void>::done();
  }

  void refuse(const Error& error, Response& response) override {
    switch (error.kind) {
      case ErrorKind::bad_request:
        response.status = 400;
        break;
      case ErrorKind::request_timeout:
        response.status = 408;
        break;
      case ErrorKind::body_too_large:
        response.status = 413;
        break;
      case ErrorKind::headers_too_large:
        response.status = 431;
        break;
      case ErrorKind::overloaded:
        response.status = 503;
        response.add_field("Retry-After", "1");
        break;
      default:
        response.status = 500;
    }
    response.body = code_of(error.kind);
  }

  static constexpr size_t kBig = 32 * 1024 * 1024;  // more than the sockets take
  static constexpr size_t kPage = 1024 * 1024;
  Gate gate;
  std::atomic<int> answered = 0;  // requests that came here
  std::atomic<int> waits_ended = 0;
  std::function<std::unique_ptr<BodyStream>()> stream_of;  // set before the request is sent

 private:
  Task<void> wait(Request& request, Response& response) {
    co_await gate.pass();
    response.body = "waited " + std::string(request.query);  // the request's views still hold
    ++waits_ended;
  }

  Task<void> wait_and_throw(Response& response) {
    response.body = "half an answer";
    co_await gate.pass();
    throw std::runtime_error("no");
  }
};

// A server with one loop and one TestService.
class TestServer {
 public:
  explicit TestServer(ServerOptions options = {}) {
    options.listen = "127.0.0.1:0";
    auto setup = ServerSetup::make(options);
    if (!setup) throw std::runtime_error(setup.error().detail);
    auto listening = Server::listen(*setup, {&loop}, [&](size_t) -> Service& { return service; });
    if (!listening) throw std::runtime_error(listening.error().detail);
    server = std::move(*listening);
    loop.start();
  }
  ~TestServer() {
    server->drain();
    if (!server->wait_until_drained(kTestLimit)) std::abort();
    loop.stop();
  }

  in_port_t port() const { return static_cast<in_port_t>(std::stoi(server->address().substr(10))); }

  net::Loop loop;
  TestService service{loop};
  std::unique_ptr<Server> server;
};

struct Answer {
  int status = 0;  // 0: the connection ended before a whole answer
  std::string head;
  std::string body;

  bool has(std::string_view line) const {
    return head.contains("\r\n" + std::string(line) + "\r\n");
  }
  bool has_field(std::string_view name) const {
    return head.contains("\r\n" + std::string(name) + ": ");
  }
};

class TestClient {
 public:
  // `from`: its own address, of the loopback network; null: the usual one.
  // `receive_buffer`: bytes that the kernel may hold for it; 0: as usual.
  explicit TestClient(in_port_t port, const char* from = nullptr, int receive_buffer = 0)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer != 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in own{};
    own.sin_family = AF_INET;
    if (from != nullptr && (inet_pton(AF_INET, from, &own.sin_addr) != 1 ||
                            bind(fd_, reinterpret_cast<sockaddr*>(&own), sizeof own) != 0)) {
      throw std::runtime_error("cannot be there");
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{.tv_sec = kTestLimit.count(), .tv_usec = 0};
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("cannot connect");
    }
  }
  explicit TestClient(const TestServer& server, const char* from = nullptr)
      : TestClient(server.port(), from) {}
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  virtual ~TestClient() { close(); }

  // False when the server does not take it.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send_some(bytes);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  // The next answer; without a body when it is one to HEAD.
  Answer receive(bool to_head = false) {
    Answer answer;
    size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!read()) return {};
    }
    answer.head = received_.substr(0, end + 4);
    received_.erase(0, end + 4);
    const size_t length_at = answer.head.find("\r\nContent-Length: ");
    if (!to_head && length_at != std::string::npos) {
      const size_t length = std::stoul(answer.head.substr(length_at + 18));
      while (received_.size() < length) {
        if (!read()) return {};
      }
      answer.body = received_.substr(0, length);
      received_.erase(0, length);
    }
    answer.status = std::stoi(answer.head.substr(9, 3));
    return answer;
  }

  // The next bytes, as many as `size`; fewer when the server closed before.
  std::string receive_bytes(size_t size) {
    while (received_.size() < size && read()) continue;
    return std::exchange(received_, received_.substr(std::min(size, received_.size())))
        .substr(0, size);
  }

  enum class Ending { in_order, reset };

  // Everything until the server closes.
  std::pair<std::string, Ending> receive_rest() {
    errno = 0;
    while (read()) continue;
    return {std::exchange(received_, {}), errno == 0 ? Ending::in_order : Ending::reset};
  }

  // True when the server closed in order, and nothing more came.
  bool is_closed() {
    char byte;
    return received_.empty() && receive_some({&byte, 1}) == 0;
  }

  // True when nothing is here to read now.
  bool is_silent() {
    char byte;
    return received_.empty() && ::recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0;
  }

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 protected:
  int fd() const { return fd_; }

 private:
  // As send(2) and recv(2), for bytes as the server's service sees them.
  virtual ssize_t send_some(std::string_view bytes) {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  virtual ssize_t receive_some(std::span<char> room) {
    return ::recv(fd_, room.data(), room.size(), 0);
  }

  bool read() {
    char bytes[4096];
    const ssize_t n = receive_some(bytes);
    if (n <= 0) return false;
    received_.append(bytes, static_cast<size_t>(n));
    return true;
  }

  int fd_;
  std::string received_;
};

inline std::string get(std::string_view target, std::string_view fields = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

inline std::string post(std::string_view body, std::string_view fields = {}) {
  return "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

}  // namespace sojourn::http
