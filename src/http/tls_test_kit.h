// For the tests of TLS: certificates made on the spot, and a client that speaks in bytes over TLS.
#pragma once

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "http/tls.h"
#include "server_test_kit.h"

namespace sojourn::http {

struct FreeForTest {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};

// A certificate with its key: a CA, or one of a CA.
class TestCertificate {
 public:
  struct Validity {
    std::chrono::seconds from = std::chrono::hours(-1);  // from now
    std::chrono::seconds until = std::chrono::hours(1);
  };

  static TestCertificate authority() { return TestCertificate(nullptr, Validity{}); }
  TestCertificate issue(Validity validity) const { return TestCertificate(this, validity); }
  TestCertificate issue() const { return issue(Validity{}); }

  std::string pem() const {
    return text([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate_.get()); });
  }
  std::string key_pem() const {
    return text([&](BIO* bio) {
      return PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }
  std::string encrypted_key_pem() const {
    return text([&](BIO* bio) {
      return PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), EVP_aes_128_cbc(), "secret", 6, nullptr,
                                           nullptr);
    });
  }
  X509* certificate() const { return certificate_.get(); }
  EVP_PKEY* key() const { return key_.get(); }

 private:
  TestCertificate(const TestCertificate* issuer, Validity validity)
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    static std::atomic<long> serials = 0;
    X509* x = certificate_.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 0x1000 + ++serials);
    X509_gmtime_adj(X509_getm_notBefore(x), validity.from.count());
    X509_gmtime_adj(X509_getm_notAfter(x), validity.until.count());
    X509_set_pubkey(x, key_.get());
    const std::string name = issuer != nullptr ? "test" : "test CA " + std::to_string(serials);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(issuer != nullptr ? issuer->certificate() : x));
    if (issuer == nullptr) {
      X509_EXTENSION* is_ca =
          X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, "critical,CA:TRUE");
      X509_add_ext(x, is_ca, -1);
      X509_EXTENSION_free(is_ca);
    }
    X509_sign(x, issuer != nullptr ? issuer->key() : key_.get(), EVP_sha256());
  }

  static std::string text(const std::function<int(BIO*)>& write) {
    const std::unique_ptr<BIO, FreeForTest> bio(BIO_new(BIO_s_mem()));
    if (write(bio.get()) != 1) throw std::runtime_error("cannot write PEM");
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &bytes);
    return {bytes, static_cast<size_t>(size)};
  }

  std::unique_ptr<EVP_PKEY, FreeForTest> key_;
  std::unique_ptr<X509, FreeForTest> certificate_;
};

// A directory of PEM files, removed at the end.
class TestFiles {
 public:
  TestFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "sojourn_tls_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = name;
  }
  ~TestFiles() { std::filesystem::remove_all(directory_); }
  TestFiles(const TestFiles&) = delete;
  TestFiles& operator=(const TestFiles&) = delete;

  // Readable by the owner alone.
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    const auto path = directory_ / name;
    std::ofstream(path) << text;
    using std::filesystem::perms;
    std::filesystem::permissions(path, perms::owner_read | perms::owner_write);
    return path;
  }
  TlsOptions write(const TestCertificate& certificate) const {
    return {.certificate = write("certificate.pem", certificate.pem()),
            .key = write("key.pem", certificate.key_pem())};
  }

 private:
  std::filesystem::path directory_;
};

struct TlsClientOptions {
  int least = TLS1_2_VERSION;
  int most = TLS1_3_VERSION;
  const TestCertificate* certificate = nullptr;  // to show
  std::string protocols;                         // ALPN, each with its length in front
};

class TlsTestClient final : public TestClient {
 public:
  // Makes the handshake; whether that worked is told by connected().
  explicit TlsTestClient(const TestServer& server, const TlsClientOptions& options = {})
      : TestClient(server), context_(SSL_CTX_new(TLS_client_method())) {
    std::signal(SIGPIPE, SIG_IGN);  // the server's threads and OpenSSL's write(2) here
    SSL_CTX* context = context_.get();
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, options.least);
    SSL_CTX_set_max_proto_version(context, options.most);
    if (options.certificate != nullptr) {
      SSL_CTX_use_certificate(context, options.certificate->certificate());
      SSL_CTX_use_PrivateKey(context, options.certificate->key());
    }
    if (!options.protocols.empty()) {
      SSL_CTX_set_alpn_protos(context,
                              reinterpret_cast<const unsigned char*>(options.protocols.data()),
                              static_cast<unsigned>(options.protocols.size()));
    }
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), fd());
    connected_ = SSL_connect(ssl_.get()) == 1;
    if (!connected_) note_failure();
  }

  bool connected() const { return connected_; }
  // Of the last failure, in OpenSSL's words: "tlsv1 alert protocol version".
  const std::string& failure() const { return failure_; }
  std::string version() const { return SSL_get_version(ssl_.get()); }
  std::string cipher() const { return SSL_get_cipher_name(ssl_.get()); }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  long server_serial() const {
    const std::unique_ptr<X509, FreeForTest> shown(SSL_get1_peer_certificate(ssl_.get()));
    return ASN1_INTEGER_get(X509_get0_serialNumber(shown.get()));
  }
  bool has_compression() const { return SSL_get_current_compression(ssl_.get()) != nullptr; }
  bool renegotiates() {
    return SSL_renegotiate(ssl_.get()) == 1 && SSL_do_handshake(ssl_.get()) == 1;
  }
  // Sends close_notify, and goes on reading.
  void say_last_word() { SSL_shutdown(ssl_.get()); }
  // True when the server's last word was close_notify, so that nothing is cut off.
  bool was_told_the_end() const { return told_the_end_; }

 private:
  ssize_t send_some(std::string_view bytes) override {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  }
  ssize_t receive_some(std::span<char> room) override {
    const int n = SSL_read(ssl_.get(), room.data(), static_cast<int>(room.size()));
    if (n > 0) return n;
    told_the_end_ = SSL_get_error(ssl_.get(), n) == SSL_ERROR_ZERO_RETURN;
    if (told_the_end_) return 0;
    note_failure();
    errno = ECONNRESET;
    return -1;
  }
  void note_failure() {
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    failure_ = reason != nullptr ? reason : "connection lost";
    ERR_clear_error();
  }

  std::unique_ptr<SSL_CTX, FreeForTest> context_;
  std::unique_ptr<SSL, FreeForTest> ssl_;
  bool connected_ = false;
  bool told_the_end_ = false;
  std::string failure_;
};

}  // namespace sojourn::http
