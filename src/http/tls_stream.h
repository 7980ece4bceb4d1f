// The TLS of one connection: turns bytes of the socket into bytes of the client and back.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "http/tls.h"

struct ssl_st;

namespace sojourn::http {

// Reads from and writes to a socket that does not block and stays open as long as this lives. No
// call waits: what wants to be waited for is said, and the same call made again. Writes with
// write(2), so SIGPIPE must be ignored.
class TlsStream {
 public:
  enum class Status {
    done,
    wants_read,   // again when the socket can be read from
    wants_write,  // again when it can be written to
    ended,        // the client said its last word, is gone, or does not speak TLS as we do
    plain_http,   // of handshake() only: the client speaks HTTP without TLS
  };
  struct Progress {
    Status status;
    size_t bytes = 0;  // more than none when done
  };

  TlsStream(const TlsContext& context, int socket);
  // As close().
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  // First of all, until done.
  Progress handshake();
  // errno says why it ended, where that was the socket; else it is 0.
  Progress read(std::span<char> room);
  // `bytes` are not none. After wants_write the same bytes are given again, and perhaps more.
  Progress write(std::span<const char> bytes);
  // True when read() may have something without a look at the socket.
  bool has_buffered() const;

  // Says that nothing more is sent (close_notify), if the socket takes it now. What was sent is
  // whole: so not when it is cut off, which is abandon()ed.
  void close();
  void abandon() { closed_ = true; }

 private:
  struct Free {
    void operator()(ssl_st* ssl) const;
  };

  Progress after(int result, size_t bytes);

  std::unique_ptr<ssl_st, Free> ssl_;
  bool closed_ = false;
};

}  // namespace sojourn::http
