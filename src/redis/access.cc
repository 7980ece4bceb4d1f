#include "access.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/file.h"

namespace sojourn::redis {
namespace {

namespace ssl = boost::asio::ssl;

std::unexpected<Error> refused(std::string sentence) {
  ERR_clear_error();
  return failure(ErrorKind::invalid_parameter, std::move(sentence));
}

Result<void> check_readable(std::string_view option, const std::string& file) {
  if (file.empty()) return {};
  constexpr size_t kMost = 4UL * 1024 * 1024;  // more than any list of CAs
  const auto text = read_file(file, kMost);
  if (text) return {};
  return refused(fmt::format("Cannot read {}, the file of {}: {}.", file, option, text.error()));
}

// OpenSSL asks for the passphrase of an encrypted key on the terminal, where no one sits.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<std::unique_ptr<ssl::context>> tls_context(const RedisOptions& options) {
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return refused(
        "A certificate for Redis needs its key, and a key its certificate: set both "
        "store.redis.tls.certificate and store.redis.tls.key, or neither.");
  }
  for (const auto& [option, file] :
       {std::pair("store.redis.tls.ca", options.ca_file),
        std::pair("store.redis.tls.certificate", options.certificate_file),
        std::pair("store.redis.tls.key", options.key_file)}) {
    if (const auto readable = check_readable(option, file); !readable) {
      return std::unexpected(readable.error());
    }
  }
  auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
  SSL_CTX* const native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_default_passwd_cb(native, no_passphrase);
  const auto trusted = [&] {
    return options.ca_file.empty() ? SSL_CTX_set_default_verify_paths(native)
                                   : SSL_CTX_load_verify_file(native, options.ca_file.c_str());
  };
  if (options.verify != TlsVerify::none && trusted() != 1) {
    return refused(
        fmt::format("{} (store.redis.tls.ca) holds no certificate in PEM.", options.ca_file));
  }
  SSL_CTX_set_verify(native, options.verify == TlsVerify::none ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                     nullptr);
  if (!options.certificate_file.empty()) {
    if (SSL_CTX_use_certificate_chain_file(native, options.certificate_file.c_str()) != 1) {
      return refused(fmt::format("{} (store.redis.tls.certificate) holds no certificate in PEM.",
                                 options.certificate_file));
    }
    if (SSL_CTX_use_PrivateKey_file(native, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      return refused(fmt::format(
          "{} (store.redis.tls.key) holds no key in PEM without a passphrase that belongs to "
          "{}.",
          options.key_file, options.certificate_file));
    }
  }
  return context;
}

}  // namespace

Result<std::shared_ptr<const Access>> make_access(const RedisOptions& options) {
  auto url = parsed_url(options.url);
  if (!url) return std::unexpected(std::move(url.error()));
  if (!options.username.empty() && options.password.empty() && url->password.empty()) {
    return refused(
        "A user of Redis needs a password: name a file that holds it with "
        "store.redis.password_file, or put it into the URL.");
  }
  if (options.max_pending == 0) return refused("store.redis.max_pending must be at least 1.");
  auto access = std::make_shared<Access>();
  access->options = options;
  access->credentials = {.username = options.username.empty() && options.password.empty()
                                         ? url->username
                                         : options.username,
                         .password = options.password.empty() ? url->password : options.password};
  if (url->tls) {
    auto context = tls_context(options);
    if (!context) return std::unexpected(std::move(context.error()));
    access->tls = *std::move(context);
  } else if (!options.ca_file.empty() || !options.certificate_file.empty() ||
             !options.key_file.empty()) {
    return refused(
        "Certificates are set for Redis, but its URL asks for no TLS: begin it with rediss://.");
  }
  access->url = *std::move(url);
  return access;
}

}  // namespace sojourn::redis
