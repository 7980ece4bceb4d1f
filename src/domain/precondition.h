// If-Match and If-None-Match (RFC 9110 13.1.1, 13.1.2) on the version of a session.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace sojourn::domain {

// The entity tags of a condition; the entity tag of a session is its version.
struct EntityTags {
  bool any = false;  // "*": whatever there is
  std::vector<uint64_t> versions;

  bool contain(uint64_t version) const {
    return any || std::ranges::find(versions, version) != versions.end();
  }
};

}  // namespace sojourn::domain
