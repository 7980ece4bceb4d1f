#include "http/tls.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <new>
#include <string_view>

#include "base/file.h"

namespace sojourn::http {
namespace {

// Mozilla's "intermediate" list without finite-field Diffie-Hellman, fastest first.
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kTls13Ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
// 112 bits: RSA of 2048 and more, no SHA-1.
constexpr int kSecurityLevel = 2;
// More than any list of CAs.
constexpr size_t kMaxFile = 4 * 1024 * 1024;

constexpr std::string_view kProtocol = "\x08http/1.1";

struct FreeOpenSsl {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};
using Bio = std::unique_ptr<BIO, FreeOpenSsl>;
using Certificate = std::unique_ptr<X509, FreeOpenSsl>;
using Key = std::unique_ptr<EVP_PKEY, FreeOpenSsl>;

std::unexpected<Error> refused(std::string sentence) {
  ERR_clear_error();
  return failure(ErrorKind::invalid_parameter, std::move(sentence));
}

// Why OpenSSL's last call failed, in its words.
std::string reason() {
  const char* text = ERR_reason_error_string(ERR_peek_last_error());
  return text != nullptr ? text : "unknown reason";
}

Result<std::string> read(std::string_view what, const std::filesystem::path& path) {
  auto text = read_file(path, kMaxFile);
  if (!text) {
    return refused(fmt::format("Cannot read the {} {}: {}.", what, path.string(), text.error()));
  }
  return *std::move(text);
}

Bio memory(const std::string& text) {
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  if (!bio) throw std::bad_alloc();
  return bio;
}

// All certificates of a file, in its order; at least one.
Result<std::vector<Certificate>> read_certificates(std::string_view what,
                                                   const std::filesystem::path& path) {
  const auto text = read(what, path);
  if (!text) return std::unexpected(text.error());
  const Bio bio = memory(*text);
  std::vector<Certificate> certificates;
  while (Certificate one{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    certificates.push_back(std::move(one));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (certificates.empty() || !at_end) {
    return refused(fmt::format("The {} {} holds {} certificate in PEM ({}).", what, path.string(),
                               at_end ? "no" : "a broken", reason()));
  }
  ERR_clear_error();
  return certificates;
}

// Asked for the passphrase of an encrypted key.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::chrono::sys_seconds time_of(const ASN1_TIME* time) {
  std::tm broken_down{};
  ASN1_TIME_to_tm(time, &broken_down);
  return std::chrono::sys_seconds(std::chrono::seconds(timegm(&broken_down)));
}

std::string text_of(std::chrono::sys_seconds time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(time.time_since_epoch().count()));
}

std::string serial_of(X509* certificate) {
  const std::unique_ptr<BIGNUM, FreeOpenSsl> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  char* text = number ? BN_bn2hex(number.get()) : nullptr;
  if (text == nullptr) throw std::bad_alloc();
  std::string serial = text;
  OPENSSL_free(text);
  return serial;
}

// A client that speaks none of ours is told so (RFC 7301 3.2). It cannot have meant this server.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* out = nullptr;
  const auto* ours = reinterpret_cast<const unsigned char*>(kProtocol.data());
  const int found =
      SSL_select_next_proto(&out, chosen_size, ours, kProtocol.size(), offered, offered_size);
  *chosen = out;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Result<std::shared_ptr<const TlsContext>> TlsContext::load(const TlsOptions& options) {
  const std::shared_ptr<TlsContext> context(new TlsContext);
  auto done = context->use_certificate(options.certificate);
  if (done) done = context->use_key(options);
  if (done && !options.client_ca.empty()) done = context->use_client_ca(options);
  if (!done) return std::unexpected(done.error());
  return context;
}

TlsContext::TlsContext() : context_(SSL_CTX_new(TLS_server_method())) {
  SSL_CTX* context = context_.get();
  if (context == nullptr) throw std::bad_alloc();
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_cipher_list(context, kTls12Ciphers);
  SSL_CTX_set_ciphersuites(context, kTls13Ciphers);
  SSL_CTX_set1_groups_list(context, kGroups);
  SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
  SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // A connection writes what the socket takes, from a buffer that may move in between, and an idle
  // one holds no buffers.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);  // one read for a record, not two
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  // Sessions are kept by clients, in tickets. Their keys are this context's: a reload forgets them.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  constexpr std::string_view kSessionContext = "sojourn";
  SSL_CTX_set_session_id_context(context,
                                 reinterpret_cast<const unsigned char*>(kSessionContext.data()),
                                 kSessionContext.size());
}

Result<void> TlsContext::use_certificate(const std::filesystem::path& path) {
  const auto chain = read_certificates("TLS certificate", path);
  if (!chain) return std::unexpected(chain.error());
  X509* certificate = chain->front().get();
  bool used = SSL_CTX_use_certificate(context_.get(), certificate) == 1;
  for (size_t i = 1; used && i < chain->size(); ++i) {
    used = SSL_CTX_add1_chain_cert(context_.get(), (*chain)[i].get()) == 1;
  }
  if (!used) {
    return refused(fmt::format("Cannot use the TLS certificate {}: {}.", path.string(), reason()));
  }

  serial_ = serial_of(certificate);
  const auto not_before = time_of(X509_get0_notBefore(certificate));
  not_after_ = time_of(X509_get0_notAfter(certificate));
  // Certificates are of the wall clock's time.
  const auto now = std::chrono::system_clock::now();
  if (now > not_after_) {
    warnings_.push_back(fmt::format(
        "The TLS certificate {} expired at {}; clients will refuse it until it is renewed.",
        path.string(), text_of(not_after_)));
  } else if (now < not_before) {
    warnings_.push_back(fmt::format(
        "The TLS certificate {} is not valid before {}; clients will refuse it until then.",
        path.string(), text_of(not_before)));
  }
  return {};
}

Result<void> TlsContext::use_key(const TlsOptions& options) {
  const std::string path = options.key.string();
  const auto text = read("TLS key", options.key);
  if (!text) return std::unexpected(text.error());
  bool is_encrypted = false;
  const Key key(
      PEM_read_bio_PrivateKey(memory(*text).get(), nullptr, no_passphrase, &is_encrypted));
  if (!key && is_encrypted) {
    return refused(fmt::format(
        "The TLS key {} is encrypted, and there is nobody to ask for its passphrase; store it "
        "without one (openssl pkey -in KEY -out NEW_KEY), readable by the server alone.",
        path));
  }
  if (!key) {
    return refused(fmt::format("The TLS key {} holds no private key in PEM ({}).", path, reason()));
  }
  if (SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1 ||
      SSL_CTX_check_private_key(context_.get()) != 1) {
    return refused(fmt::format("The TLS key {} is not the one of the certificate {} ({}).", path,
                               options.certificate.string(), reason()));
  }
  struct stat status{};
  if (stat(path.c_str(), &status) == 0 && (status.st_mode & S_IRWXO) != 0) {
    warnings_.push_back(fmt::format(
        "Every user of this machine has access to the TLS key {}; take it away with chmod o= and "
        "replace the key if others could have read it.",
        path));
  }
  return {};
}

Result<void> TlsContext::use_client_ca(const TlsOptions& options) {
  const auto authorities = read_certificates("list of client CAs", options.client_ca);
  if (!authorities) return std::unexpected(authorities.error());
  X509_STORE* trusted = SSL_CTX_get_cert_store(context_.get());
  for (const Certificate& one : *authorities) {
    if (X509_STORE_add_cert(trusted, one.get()) != 1 ||
        SSL_CTX_add_client_CA(context_.get(), one.get()) != 1) {
      return refused(fmt::format("Cannot use the list of client CAs {}: {}.",
                                 options.client_ca.string(), reason()));
    }
  }
  const bool required = options.client_auth != ClientAuth::optional;
  SSL_CTX_set_verify(context_.get(),
                     SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0), nullptr);
  return {};
}

}  // namespace sojourn::http
