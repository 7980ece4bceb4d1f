// Any bytes as what a client wrote itself: what the trusted proxy put behind them counts, and of a
// peer that is not trusted nothing does.
#include <cstdlib>

#include "client_address.h"

namespace {

using namespace sojourn::http;

const IpAddress kProxy = *IpAddress::parse("10.0.0.1");
const IpAddress kClient = *IpAddress::parse("192.0.2.1");
const IpNetwork kTrusted = *IpNetwork::parse("10.0.0.0/8");

IpAddress found(const IpAddress& peer, std::string_view name, std::string_view value) {
  const Field field{name, value};
  return client_address(peer, {&field, 1}, {&kTrusted, 1});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  for (const char* name : {"Forwarded", "X-Forwarded-For"}) {
    found(kProxy, name, bytes);
    if (found(kClient, name, bytes) != kClient) std::abort();
  }
  if (found(kProxy, "X-Forwarded-For", bytes + ", 192.0.2.1, 10.0.0.2") != kClient) std::abort();
  const std::string forwarded = bytes + ",for=\"192.0.2.1:80\";proto=https, for=10.0.0.2";
  if (found(kProxy, "Forwarded", forwarded) != kClient) std::abort();
  return 0;
}
