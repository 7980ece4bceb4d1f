#include "listening_socket.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "http/listen_address.h"

namespace sojourn::http {
namespace {

struct Address {
  sockaddr_storage bytes{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&bytes); }
  bool is_ipv6() const { return bytes.ss_family == AF_INET6; }
  in_port_t& port() {
    return is_ipv6() ? reinterpret_cast<sockaddr_in6&>(bytes).sin6_port
                     : reinterpret_cast<sockaddr_in&>(bytes).sin_port;
  }
};

std::unexpected<Error> cannot_listen(const std::string& address, const std::string& why) {
  return failure(ErrorKind::invalid_parameter,
                 fmt::format("Cannot listen on {}: {}", address, why));
}

std::unexpected<Error> refused_by_system(const std::string& address, int error) {
  if (error == EADDRINUSE) {
    return cannot_listen(address, "the address is in use; stop what uses it or choose another.");
  }
  return cannot_listen(address, fmt::format("{}.", std::strerror(error)));
}

Result<Address> parse(const std::string& text) {
  const auto listen = parse_listen_address(text);
  if (!listen) return cannot_listen(text, fmt::format("{}.", kListenAddressForm));
  const std::string& host = listen->host;
  const std::string port = std::to_string(listen->port);

  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int failed = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failed != 0) {
    return cannot_listen(text, fmt::format("{}.", gai_strerror(failed)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);
  Address address;
  std::memcpy(&address.bytes, found->ai_addr, found->ai_addrlen);
  address.size = found->ai_addrlen;
  return address;
}

// A socket bound to `address`; errno in the error.
std::expected<FileDescriptor, int> bound_socket(Address& address, bool share_port) {
  FileDescriptor socket(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.get() < 0) return std::unexpected(errno);
  const int on = 1;
  // A restart must not wait for the TIME_WAIT of the last run's connections.
  if (setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) {
    return std::unexpected(errno);
  }
  if (share_port && setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    return std::unexpected(errno);
  }
  if (bind(socket.get(), address.get(), address.size) != 0) return std::unexpected(errno);
  return socket;
}

std::string text_of(Address& address) {
  std::array<char, NI_MAXHOST> host{};
  getnameinfo(address.get(), address.size, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST);
  return fmt::format(fmt::runtime(address.is_ipv6() ? "[{}]:{}" : "{}:{}"), host.data(),
                     ntohs(address.port()));
}

}  // namespace

Result<ListeningSockets> open_listening_sockets(const std::string& text, size_t count) {
  auto address = parse(text);
  if (!address) return std::unexpected(address.error());

  // With SO_REUSEPORT alone, a second server of the same user would share the port in silence. A
  // socket without it is refused while another process listens.
  if (address->port() != 0) {
    if (const auto probe = bound_socket(*address, false); !probe) {
      return refused_by_system(text, probe.error());
    }
  }

  ListeningSockets result;
  result.ipv6 = address->is_ipv6();
  for (size_t i = 0; i < count; ++i) {
    auto socket = bound_socket(*address, true);
    if (!socket) return refused_by_system(text, socket.error());
    // The first one picks the port for all.
    if (getsockname(socket->get(), address->get(), &address->size) != 0 ||
        ::listen(socket->get(), SOMAXCONN) != 0) {
      return refused_by_system(text, errno);
    }
    result.sockets.push_back(std::move(*socket));
  }
  result.address = text_of(*address);
  return result;
}

}  // namespace sojourn::http
