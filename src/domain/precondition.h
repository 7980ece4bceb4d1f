// If-Match and If-None-Match on the version of a session (RFC 9110 13). If-Modified-Since and
// If-Unmodified-Since do not count: a recipient must ignore them where there is no Last-Modified
// (RFC 9110 13.1.3, 13.1.4).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/error.h"
#include "domain/session.h"

namespace sojourn::domain {

// The entity tags of a condition. The entity tag of a session is its version, as a strong tag; tags
// that no session ever has are left out.
struct EntityTags {
  bool any = false;              // "*": matches any version
  std::vector<uint64_t> strong;  // "7"
  std::vector<uint64_t> weak;    // W/"7"

  // RFC 9110 8.8.3.2: a weak tag matches weakly only.
  bool match_strongly(uint64_t version) const {
    return any || std::ranges::find(strong, version) != strong.end();
  }
  bool match_weakly(uint64_t version) const {
    return match_strongly(version) || std::ranges::find(weak, version) != weak.end();
  }
};

// Absent: not sent.
struct Preconditions {
  std::optional<EntityTags> if_match;
  std::optional<EntityTags> if_none_match;

  bool given() const { return if_match || if_none_match; }
};

// Why a request may not be carried out: version_mismatch; nothing: it may. If-Match is looked at
// first (RFC 9110 13.2.2). `session`: the live one; null: there is none, so If-Match fails and
// If-None-Match holds.
std::optional<Error> refusal(const Preconditions& given, const Session* session);

// The same of If-Match alone: for GET, which a failed If-None-Match does not refuse but answers
// 304.
std::optional<Error> if_match_refusal(const std::optional<EntityTags>& if_match,
                                      const Session* session);

}  // namespace sojourn::domain
