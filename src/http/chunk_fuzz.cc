// Any bytes as a chunked body: split anywhere, they give the same body, the same rest and the same
// refusal, and never a body beyond the limit.
#include <algorithm>
#include <cstdlib>

#include "chunk_reader.h"

namespace {

using sojourn::http::ChunkReader;

constexpr size_t kMaxBody = 300;
constexpr size_t kMaxTrailer = 100;

std::string read(std::string_view bytes, size_t step) {
  ChunkReader reader;
  reader.start(kMaxBody, kMaxTrailer);
  std::string body;
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, step);
    const size_t given = piece.size();
    const auto result = reader.read(piece, body);
    if (body.size() > kMaxBody) std::abort();
    bytes.remove_prefix(given - piece.size());
    if (result == ChunkReader::Result::whole) return "whole " + body + "|" + std::string(bytes);
    if (result == ChunkReader::Result::refused) return "refused " + reader.error().detail;
    if (!piece.empty()) std::abort();
  }
  return "more " + body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string whole = read(bytes, std::max<size_t>(bytes.size(), 1));
  if (read(bytes, 1) != whole || read(bytes, data[0] % 16 + 2u) != whole) std::abort();
  return 0;
}
