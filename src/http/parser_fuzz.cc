// Any bytes, whole or split anywhere, are the same requests and the same refusal; and what the
// reader hands out keeps its promises. The first byte of the input chooses the splits.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "request_reader.h"

namespace {

using sojourn::http::Field;
using sojourn::http::Request;
using sojourn::http::RequestReader;

constexpr size_t kMaxHeader = 512;
constexpr size_t kMaxBody = 256;

void require(bool holds) {
  if (!holds) std::abort();
}

bool is_plain(std::string_view text) {
  return std::ranges::none_of(text,
                              [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
}

void append(std::string& out, std::string_view text) {
  out.append(std::to_string(text.size())).append(":").append(text);
}

void check_and_append(const Request& request, const sojourn::http::Head& head, std::string& out) {
  require(request.path.starts_with('/') || request.method == sojourn::http::Method::other ||
          (request.path == "*" && request.method == sojourn::http::Method::options));
  require(!request.path.contains('?') && !request.path.contains(' '));
  require(is_plain(request.path) && is_plain(request.query));
  require(request.body.size() <= kMaxBody);
  require(request.body.empty() || head.chunked || head.content_length == request.body.size());
  out.append(name_of(request.method));
  append(out, request.path);
  append(out, request.query);
  for (const Field& field : request.fields) {
    require(!field.name.empty() && is_plain(field.value));
    require(field.value.empty() || (field.value.front() != ' ' && field.value.back() != ' '));
    append(out, field.name);
    append(out, field.value);
  }
  append(out, request.body);
  out.append(head.keep_alive ? "k" : "c");
}

// Steps of 1 + (a pseudo-random number below `max_step`) bytes.
std::string read(std::string_view bytes, size_t max_step, uint32_t seed) {
  RequestReader reader(kMaxHeader, kMaxBody);
  std::string seen;
  for (;;) {
    const auto state = reader.next();
    if (state == RequestReader::State::request) {
      check_and_append(reader.request(), reader.head(), seen);
      reader.release();
    } else if (state == RequestReader::State::refused) {
      require(!reader.error().detail.empty());
      return seen.append(code_of(reader.error().kind)).append(reader.error().detail);
    } else {
      if (bytes.empty()) return seen.append(reader.begun() ? "begun" : "between");
      const auto room = reader.room();
      require(!room.empty() && room.size() <= 64 * 1024);
      seed = seed * 1664525 + 1013904223;
      const size_t n = std::min({bytes.size(), room.size(), 1 + (seed >> 16) % max_step});
      std::memcpy(room.data(), bytes.data(), n);
      reader.received(n);
      bytes.remove_prefix(n);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const uint32_t seed = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = read(bytes, 1 << 15, seed);
  require(read(bytes, 1, seed) == whole);
  require(read(bytes, 20, seed) == whole);
  return 0;
}
