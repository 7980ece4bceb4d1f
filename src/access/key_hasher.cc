#include "access/key_hasher.h"

#include <openssl/evp.h>

#include <stdexcept>

namespace sojourn::access {

struct KeyHasher::Workspace {
  Workspace() {
    if (sha256 == nullptr || context == nullptr) throw std::runtime_error("OpenSSL has no SHA-256");
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  ~Workspace() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(sha256);
  }

  EVP_MD* sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
};

KeyHasher::KeyHasher() : workspace_(std::make_unique<Workspace>()) {}
KeyHasher::~KeyHasher() = default;
KeyHasher::KeyHasher(KeyHasher&&) noexcept = default;
KeyHasher& KeyHasher::operator=(KeyHasher&&) noexcept = default;

Digest KeyHasher::operator()(std::string_view key) {
  Digest digest;
  unsigned int size = 0;
  if (EVP_DigestInit_ex(workspace_->context, workspace_->sha256, nullptr) != 1 ||
      EVP_DigestUpdate(workspace_->context, key.data(), key.size()) != 1 ||
      EVP_DigestFinal_ex(workspace_->context, digest.data(), &size) != 1 || size != digest.size()) {
    throw std::runtime_error("SHA-256 failed");
  }
  return digest;
}

}  // namespace sojourn::access
