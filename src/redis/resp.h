// RESP2, the bytes between a client and a Redis server, by hiredis' formatter and reader.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "redis/reply.h"

namespace sojourn::redis {

// A command as a server reads it.
std::string encoded(std::span<const std::string_view> arguments);

// What a server may answer with; more is refused as damage, so that no server can have us allocate
// without end.
struct ReplyLimits {
  size_t max_bytes = 64 * 1024 * 1024;  // of one reply, as it travels
  size_t max_elements = 1'000'000;      // of one reply, all arrays together
};

// Finds the replies in a stream of bytes.
class ReplyReader {
 public:
  explicit ReplyReader(ReplyLimits limits = {});
  ~ReplyReader();
  ReplyReader(ReplyReader&&) noexcept;
  ReplyReader& operator=(ReplyReader&&) noexcept;

  void feed(std::string_view bytes);

  // The next whole reply. Nothing: it needs more bytes. An error (store_unavailable): the bytes are
  // no RESP2, or beyond the limits; the reader is of no use any more.
  Result<std::optional<Reply>> next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sojourn::redis
