#include "tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <new>

namespace sojourn::http {

void TlsStream::Free::operator()(ssl_st* ssl) const { SSL_free(ssl); }

TlsStream::TlsStream(const TlsContext& context, int socket) : ssl_(SSL_new(context.get())) {
  if (!ssl_ || SSL_set_fd(ssl_.get(), socket) != 1) throw std::bad_alloc();
  SSL_set_accept_state(ssl_.get());
}

TlsStream::~TlsStream() { close(); }

TlsStream::Progress TlsStream::handshake() {
  ERR_clear_error();
  return after(SSL_do_handshake(ssl_.get()), 0);
}

TlsStream::Progress TlsStream::read(std::span<char> room) {
  ERR_clear_error();
  errno = 0;
  size_t bytes = 0;
  const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &bytes);
  return after(result, bytes);
}

TlsStream::Progress TlsStream::write(std::span<const char> data) {
  ERR_clear_error();
  size_t bytes = 0;
  const int result = SSL_write_ex(ssl_.get(), data.data(), data.size(), &bytes);
  return after(result, bytes);
}

bool TlsStream::has_buffered() const { return SSL_has_pending(ssl_.get()) == 1; }

// What the result of a call means. A stream that failed cannot say anything more.
TlsStream::Progress TlsStream::after(int result, size_t bytes) {
  if (result > 0) return {Status::done, bytes};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {Status::wants_read};
    case SSL_ERROR_WANT_WRITE:
      return {Status::wants_write};
    case SSL_ERROR_ZERO_RETURN:
      return {Status::ended};
    default:
      closed_ = true;
      const bool is_http = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
      ERR_clear_error();
      return {is_http ? Status::plain_http : Status::ended};
  }
}

void TlsStream::close() {
  if (closed_ || !SSL_is_init_finished(ssl_.get())) return;
  closed_ = true;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace sojourn::http
