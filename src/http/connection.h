// One client's connection: reads requests, has them answered, writes the answers in order.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "listener.h"
#include "net/loop_impl.h"

namespace sojourn::http {

// With the concrete executor: a type-erased one costs an indirect call per operation.
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, net::Loop::Impl::Executor>;

// Takes the connection over and returns at once. On the listener's loop.
void serve(Socket socket, std::shared_ptr<Listener> listener, const Arrival& arrival);

}  // namespace sojourn::http
