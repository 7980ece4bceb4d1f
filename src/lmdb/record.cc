#include "record.h"

#include <xxhash.h>

#include <algorithm>
#include <cassert>

#include "bytes.h"

namespace sojourn::lmdb {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kChecksumBytes = 8;
constexpr size_t kHeadBytes = kRecordOverhead - kChecksumBytes;

uint64_t checksum(std::string_view key, std::string_view bytes) {
  const uint64_t seed = XXH3_64bits(key.data(), key.size());
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

template <class Length>
void append_text(std::string& out, std::string_view text) {
  assert(text.size() <= std::numeric_limits<Length>::max());
  append_number(out, static_cast<Length>(text.size()));
  out.append(text);
}

// Takes values off the front of bytes. Once they do not suffice, `failed` stays true and every
// value is empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(size_t size) {
    if (failed_ || size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  template <std::unsigned_integral N>
  N number() {
    const std::string_view bytes = take(sizeof(N));
    return failed_ ? N{0} : number_at<N>(bytes.data());
  }

  template <std::unsigned_integral Length>
  std::string_view text() {
    return take(number<Length>());
  }

  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace

std::string encoded_body(const domain::Session& session) {
  const domain::Identity& identity = session.identity;
  std::string body;
  body.reserve(4 * 8 + 4 * 2 + 4 + identity.agent_id.size() + identity.customer_id.size() +
               identity.visit_id.size() + identity.global_visit_id.size() +
               session.attributes.size());
  append_number(body, bits_of(session.created_at));
  append_number(body, bits_of(session.last_accessed_at));
  append_number(body, bits_of(session.expires_at));
  append_number(body, session.version);
  append_text<uint16_t>(body, identity.agent_id);
  append_text<uint16_t>(body, identity.customer_id);
  append_text<uint16_t>(body, identity.visit_id);
  append_text<uint16_t>(body, identity.global_visit_id);
  append_text<uint32_t>(body, session.attributes);
  return body;
}

std::expected<domain::Session, RecordFault> decoded_body(std::string_view body,
                                                         const domain::TenantId& tenant,
                                                         const domain::SessionId& id) {
  Reader in(body);
  const Time created_at = time_of(in.number<uint64_t>());
  const Time last_accessed_at = time_of(in.number<uint64_t>());
  const Time expires_at = time_of(in.number<uint64_t>());
  const uint64_t version = in.number<uint64_t>();
  const std::string_view agent_id = in.text<uint16_t>();
  const std::string_view customer_id = in.text<uint16_t>();
  const std::string_view visit_id = in.text<uint16_t>();
  const std::string_view global_visit_id = in.text<uint16_t>();
  const std::string_view attributes = in.text<uint32_t>();
  const bool too_long = std::max({agent_id.size(), customer_id.size(), visit_id.size(),
                                  global_visit_id.size()}) > domain::Identity::kMaxBytes;
  if (in.failed() || !in.at_end() || too_long) return std::unexpected(RecordFault::damaged);
  return domain::Session{.id = id,
                         .tenant = tenant,
                         .identity = {.agent_id = std::string(agent_id),
                                      .customer_id = std::string(customer_id),
                                      .visit_id = std::string(visit_id),
                                      .global_visit_id = std::string(global_visit_id)},
                         .created_at = created_at,
                         .last_accessed_at = last_accessed_at,
                         .expires_at = expires_at,
                         .version = version,
                         .attributes = std::string(attributes)};
}

void seal_record(std::string_view key, Time filed, std::string_view body, char* out) {
  out[0] = static_cast<char>(kVersion);
  put_number(out + 1, bits_of(filed));
  std::copy(body.begin(), body.end(), out + kHeadBytes);
  const size_t covered = kHeadBytes + body.size();
  put_number(out + covered, checksum(key, {out, covered}));
}

std::expected<OpenedRecord, RecordFault> open_record(std::string_view key,
                                                     std::string_view record) {
  if (record.size() < kRecordOverhead) return std::unexpected(RecordFault::damaged);
  const std::string_view covered = record.substr(0, record.size() - kChecksumBytes);
  const auto stored = number_at<uint64_t>(record.data() + covered.size());
  if (stored != checksum(key, covered)) return std::unexpected(RecordFault::damaged);
  if (static_cast<uint8_t>(record[0]) != kVersion) return std::unexpected(RecordFault::newer);
  return OpenedRecord{.filed = time_of(number_at<uint64_t>(record.data() + 1)),
                      .body = covered.substr(kHeadBytes)};
}

}  // namespace sojourn::lmdb
