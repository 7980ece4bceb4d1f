// What is read from the files of TlsOptions, and what is said when they are wrong.
#include "http/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tls_test_kit.h"

namespace sojourn::http {
namespace {

using std::chrono::hours;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class TlsFiles : public testing::Test {
 protected:
  // What load() says against these files.
  std::string complaint(const TlsOptions& from) {
    const auto loaded = TlsContext::load(from);
    if (loaded) return "nothing";
    EXPECT_EQ(loaded.error().kind, ErrorKind::invalid_parameter);
    return loaded.error().detail;
  }

  const TestCertificate authority = TestCertificate::authority();
  const TestCertificate certificate = authority.issue();
  const TestFiles files;
  TlsOptions options = files.write(certificate);
};

TEST_F(TlsFiles, ACertificateAndItsKey) {
  const auto loaded = TlsContext::load(options);
  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_THAT((*loaded)->warnings(), IsEmpty());
  const auto now = std::chrono::system_clock::now();
  EXPECT_GT((*loaded)->not_after(), now + std::chrono::minutes(55));
  EXPECT_LT((*loaded)->not_after(), now + std::chrono::minutes(65));
  EXPECT_EQ(std::stol((*loaded)->serial(), nullptr, 16),
            ASN1_INTEGER_get(X509_get0_serialNumber(certificate.certificate())));
}

TEST_F(TlsFiles, AFileThatIsNotThereIsNamed) {
  TlsOptions absent = options;
  absent.certificate = "/nonexistent/certificate.pem";
  EXPECT_THAT(complaint(absent), AllOf(HasSubstr("/nonexistent/certificate.pem"),
                                       HasSubstr("No such file or directory")));
  absent = options;
  absent.key = "/nonexistent/key.pem";
  EXPECT_THAT(complaint(absent), HasSubstr("/nonexistent/key.pem"));
  absent = options;
  absent.client_ca = "/nonexistent/ca.pem";
  EXPECT_THAT(complaint(absent), HasSubstr("/nonexistent/ca.pem"));
}

TEST_F(TlsFiles, WhatIsNoCertificateIsNamed) {
  files.write("certificate.pem", "");
  EXPECT_THAT(complaint(options), AllOf(HasSubstr("certificate.pem"), HasSubstr("no certificate")));
  files.write("certificate.pem", certificate.key_pem());
  EXPECT_THAT(complaint(options), HasSubstr("no certificate"));
  std::string broken = certificate.pem();
  broken.erase(100, 8);
  files.write("certificate.pem", certificate.pem() + broken);
  EXPECT_THAT(complaint(options), HasSubstr("a broken certificate"));
}

TEST_F(TlsFiles, WhatIsNoKeyIsNamed) {
  files.write("key.pem", certificate.pem());
  EXPECT_THAT(complaint(options), AllOf(HasSubstr("key.pem"), HasSubstr("no private key")));
}

TEST_F(TlsFiles, TheKeyOfAnotherCertificateIsRefused) {
  files.write("key.pem", authority.issue().key_pem());
  EXPECT_THAT(complaint(options),
              AllOf(HasSubstr("key.pem"), HasSubstr("certificate.pem"), HasSubstr("not the one")));
}

TEST_F(TlsFiles, AnEncryptedKeyIsRefusedAndNobodyIsAsked) {
  files.write("key.pem", certificate.encrypted_key_pem());
  EXPECT_THAT(complaint(options), AllOf(HasSubstr("key.pem"), HasSubstr("encrypted")));
}

TEST_F(TlsFiles, AClientCaThatIsNoneIsNamed) {
  options.client_ca = files.write("ca.pem", "none");
  EXPECT_THAT(complaint(options), AllOf(HasSubstr("ca.pem"), HasSubstr("no certificate")));
}

TEST_F(TlsFiles, AnExpiredCertificateIsAWarning) {
  options = files.write(authority.issue({.from = hours(-2), .until = hours(-1)}));
  const auto loaded = TlsContext::load(options);
  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_THAT((*loaded)->warnings(),
              ElementsAre(AllOf(HasSubstr("certificate.pem"), HasSubstr("expired at"))));
}

TEST_F(TlsFiles, SoIsOneThatIsNotValidYet) {
  options = files.write(authority.issue({.from = hours(1), .until = hours(2)}));
  const auto loaded = TlsContext::load(options);
  ASSERT_TRUE(loaded) << loaded.error().detail;
  EXPECT_THAT((*loaded)->warnings(), ElementsAre(HasSubstr("not valid before")));
}

TEST_F(TlsFiles, SoIsAKeyThatEveryUserCanRead) {
  using std::filesystem::perms;
  std::filesystem::permissions(options.key, perms::group_read, std::filesystem::perm_options::add);
  EXPECT_THAT((*TlsContext::load(options))->warnings(), IsEmpty());  // as Debian's group ssl-cert
  std::filesystem::permissions(options.key, perms::others_read, std::filesystem::perm_options::add);
  EXPECT_THAT((*TlsContext::load(options))->warnings(),
              ElementsAre(AllOf(HasSubstr("key.pem"), HasSubstr("chmod o="))));
}

}  // namespace
}  // namespace sojourn::http
