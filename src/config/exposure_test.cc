#include "config/exposure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sojourn::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Exposure, LoopbackAddressesAreNotReachable) {
  for (const auto* listen : {"127.0.0.1:9092", "127.0.0.1:0", "127.255.0.9:1", "[::1]:9092",
                             "[0:0:0:0:0:0:0:1]:9092", "localhost:9092", "LocalHost:9092"}) {
    EXPECT_TRUE(is_loopback(listen)) << listen;
  }
}

TEST(Exposure, EverythingElseIs) {
  for (const auto* listen :
       {"0.0.0.0:9092", "[::]:9092", "[::]:0", "192.168.0.1:9092", "10.0.0.1:9092",
        "128.0.0.1:9092", "126.255.255.255:9092", "[fe80::1]:9092", "[::ffff:10.0.0.1]:9092",
        "example.org:9092", "localhost.example.org:9092", "127.0.0.1.example.org:9092",
        "127.1:9092", "0:9092"}) {
    EXPECT_FALSE(is_loopback(listen)) << listen;
  }
}

TEST(Exposure, TheDefaultsAreSafe) { EXPECT_THAT(exposures({}), IsEmpty()); }

TEST(Exposure, WithoutKeysAndTlsBothAndTheOverrideAreNamed) {
  Options options;
  options.http.listen = "0.0.0.0:9092";
  EXPECT_THAT(exposures(options),
              ElementsAre(AllOf(HasSubstr("http.listen is 0.0.0.0:9092"),
                                HasSubstr("security.key_file"), HasSubstr("http.tls.certificate"),
                                HasSubstr("security.allow_insecure = true"))));
}

TEST(Exposure, TlsAloneIsNotEnough) {
  Options options;
  options.http.listen = "[::]:9092";
  options.http.tls.certificate = "/c.pem";
  EXPECT_THAT(exposures(options), ElementsAre(AllOf(HasSubstr("security.key_file"),
                                                    Not(HasSubstr("http.tls.certificate")))));
}

TEST(Exposure, KeysAloneAreNotEnough) {
  Options options;
  options.http.listen = "[::]:9092";
  options.access.key_file = "/keys";
  EXPECT_THAT(exposures(options), ElementsAre(AllOf(Not(HasSubstr("security.key_file")),
                                                    HasSubstr("http.tls.certificate"))));
}

TEST(Exposure, BothAre) {
  Options options;
  options.http.listen = "[::]:9092";
  options.http.tls.certificate = "/c.pem";
  options.access.key_file = "/keys";
  EXPECT_THAT(exposures(options), IsEmpty());
}

TEST(Exposure, TheAdminListenerIsHeldToTheSame) {
  Options options;
  options.admin.listen = "10.1.2.3:9093";
  options.http.tls.certificate = "/c.pem";  // of the other listener
  EXPECT_THAT(exposures(options), ElementsAre(AllOf(HasSubstr("admin.listen is 10.1.2.3:9093"),
                                                    HasSubstr("security.key_file"),
                                                    HasSubstr("admin.tls.certificate"))));
}

TEST(Exposure, AListenerThatIsOffOrCannotBeIsNotReachable) {
  Options options;
  options.admin.listen = "";
  EXPECT_THAT(exposures(options), IsEmpty());
  options.http.listen = "nonsense";
  EXPECT_THAT(exposures(options), IsEmpty());
}

TEST(Exposure, WithoutKeysTheLoopbackIsOpenAndThatIsSaid) {
  Options options;
  EXPECT_THAT(keyless(options),
              AllOf(HasSubstr("who reaches 127.0.0.1:9092"), HasSubstr("security.key_file")));
  options.http.listen = "0.0.0.0:9092";
  EXPECT_EQ(keyless(options), "") << "exposures() says more";
  options.http.listen = "127.0.0.1:9092";
  options.access.key_file = "/keys";
  EXPECT_EQ(keyless(options), "");
}

Options protected_options() {
  Options options;
  options.access.key_file = "/keys";
  options.http.tls = {.certificate = "/c.pem", .key = "/k.pem", .client_ca = "/ca.pem"};
  options.admin.tls = {.certificate = "/c.pem", .key = "/k.pem"};
  return options;
}

TEST(Weakening, AddingProtectionOrChangingFilesIsNone) {
  EXPECT_THAT(weakenings({}, {}), IsEmpty());
  EXPECT_THAT(weakenings({}, protected_options()), IsEmpty());
  Options others = protected_options();
  others.access.key_file = "/other";
  others.http.tls.certificate = "/other";
  others.http.tls.client_ca = "/other";
  others.http.tls.client_auth = http::ClientAuth::required;
  EXPECT_THAT(weakenings(protected_options(), others), IsEmpty());
}

TEST(Weakening, EachProtectionThatIsLostIsNamed) {
  const Options running = protected_options();
  EXPECT_THAT(weakenings(running, {}),
              ElementsAre(HasSubstr("security.key_file"), HasSubstr("http.tls.certificate"),
                          HasSubstr("admin.tls.certificate")));
  Options wanted = running;
  wanted.access.key_file.clear();
  EXPECT_THAT(weakenings(running, wanted), ElementsAre(HasSubstr("turn off API keys")));
  wanted = running;
  wanted.admin.tls = {};
  EXPECT_THAT(weakenings(running, wanted), ElementsAre(HasSubstr("admin.tls.certificate")));
  wanted = running;
  wanted.http.tls.client_ca.clear();
  EXPECT_THAT(weakenings(running, wanted), ElementsAre(HasSubstr("http.tls.client_ca")));
  wanted = running;
  wanted.http.tls.client_auth = http::ClientAuth::optional;
  EXPECT_THAT(weakenings(running, wanted), ElementsAre(HasSubstr("http.tls.client_auth")));
  EXPECT_THAT(weakenings(wanted, running), IsEmpty());
}

TEST(Weakening, WhoSaysAllowInsecureMeansIt) {
  Options wanted;
  wanted.allow_insecure = true;
  EXPECT_THAT(weakenings(protected_options(), wanted), IsEmpty());
  Options running = protected_options();
  running.allow_insecure = true;  // what was said before does not count
  EXPECT_THAT(weakenings(running, {}), testing::SizeIs(3));
}

}  // namespace
}  // namespace sojourn::config
