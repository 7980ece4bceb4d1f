#include "intent.h"

#include <algorithm>

#include "encoding/byte_reader.h"
#include "encoding/keys.h"

namespace sojourn::redis {
namespace {

constexpr uint8_t kVersion = 1;
constexpr size_t kMaxArguments = 64;

}  // namespace

std::string encoded(std::string_view key, const Intent& intent) {
  std::string content;
  encoding::append_text<uint16_t>(content, intent.session);
  encoding::append_number(content, static_cast<uint8_t>(intent.arguments.size()));
  for (const std::string& argument : intent.arguments) {
    encoding::append_text<uint32_t>(content, argument);
  }
  encoding::append_text<uint16_t>(content, intent.entry_after);
  std::string sealed(content.size() + encoding::kSealBytes, '\0');
  std::ranges::copy(content, sealed.begin() + 1);
  encoding::seal(key, kVersion, sealed.data(), content.size());
  return intent.number + sealed;
}

std::expected<Intent, encoding::RecordFault> decoded_intent(std::string_view key,
                                                            std::string_view bytes) {
  const std::unexpected damaged(encoding::RecordFault::damaged);
  if (bytes.size() < kCommitNumberBytes) return damaged;
  const auto content = encoding::unsealed(key, kVersion, bytes.substr(kCommitNumberBytes));
  if (!content) return std::unexpected(content.error());
  encoding::ByteReader in(*content);
  Intent intent;
  intent.number = bytes.substr(0, kCommitNumberBytes);
  intent.session = in.text<uint16_t>();
  const size_t arguments = in.number<uint8_t>();
  if (arguments > kMaxArguments) return damaged;
  for (size_t i = 0; i < arguments; ++i) intent.arguments.emplace_back(in.text<uint32_t>());
  intent.entry_after = in.text<uint16_t>();
  if (in.failed() || !in.at_end() || !encoding::parsed_session_key(intent.session)) return damaged;
  return intent;
}

}  // namespace sojourn::redis
