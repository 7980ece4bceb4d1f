// The lines of an export (docs/operating/backup.md, "The export format"). Pure functions.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include "domain/session.h"
#include "store/snapshot.h"

namespace sojourn::app {

inline constexpr int kExportVersion = 1;
// Longer than any line that is written.
inline constexpr size_t kMaxExportLine = size_t{64} << 10;

struct ExportHead {
  int64_t version = kExportVersion;
  Time exported_at;
};
struct ExportEnd {
  uint64_t sessions = 0;
  uint64_t idempotency_keys = 0;

  friend bool operator==(const ExportEnd&, const ExportEnd&) = default;
};
using ExportLine = std::variant<ExportHead, domain::Session, store::Snapshot::Key, ExportEnd>;

// One JSON object, without the line break.
std::string export_line(const ExportLine& line);

// The same back. The error says what is wrong with the line.
std::expected<ExportLine, std::string> parsed_export_line(std::string_view line);

}  // namespace sojourn::app
