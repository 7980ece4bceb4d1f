// TLS of a server: its options, and what is read from the files that they name.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

struct ssl_ctx_st;

namespace sojourn::http {

enum class ClientAuth {
  required,  // a client without a certificate of client_ca is turned away in the handshake
  optional,  // so is one with a certificate of another CA, but not one without any
};

// Options http.tls.* and admin.tls.*. All files are PEM.
struct TlsOptions {
  // The server's certificate, then those between it and its CA. Empty: no TLS.
  std::filesystem::path certificate;
  // The certificate's private key, not encrypted.
  std::filesystem::path key;
  // The CAs whose certificates clients show. Empty: clients are not asked for one.
  std::filesystem::path client_ca;
  // Unset is required, and the only choice without client_ca.
  std::optional<ClientAuth> client_auth;

  bool enabled() const { return !certificate.empty(); }
};

// A certificate with its key, ready for handshakes: TLS 1.2 and 1.3 with forward secrecy and
// authenticated encryption only (RFC 9325), without compression and renegotiation; ALPN http/1.1.
// Any thread may use it. The files are read once, by load().
class TlsContext {
 public:
  // `options` are enabled. A file that cannot be read or is not what it should be, an encrypted key
  // and a key of another certificate are invalid_parameter with a sentence that names the file.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsOptions& options);

  // What does not keep it from working for those who accept it, but an operator should know: a
  // certificate that is not valid at the time of load(), a key that every user of the machine can
  // read. One sentence each.
  const std::vector<std::string>& warnings() const { return warnings_; }
  // Of the server's certificate.
  const std::string& serial() const { return serial_; }  // upper-case hex
  std::chrono::sys_seconds not_after() const { return not_after_; }

  ssl_ctx_st* get() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };

  TlsContext();
  Result<void> use_certificate(const std::filesystem::path& path);
  Result<void> use_key(const TlsOptions& options);
  Result<void> use_client_ca(const TlsOptions& options);

  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::vector<std::string> warnings_;
  std::string serial_;
  std::chrono::sys_seconds not_after_;
};

}  // namespace sojourn::http
