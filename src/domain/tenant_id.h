// The name of a tenant.
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sojourn::domain {

// Opaque to the server: 1 to 128 bytes of UTF-8 without control characters. A value. Every session
// lives inside one tenant; nothing is ever shared or visible between two.
class TenantId {
 public:
  static constexpr size_t kMaxBytes = 128;

  // `text` is decoded already. tenant_id_required when empty, else invalid_parameter.
  static Result<TenantId> parse(std::string text);

  const std::string& text() const { return text_; }

  friend auto operator<=>(const TenantId&, const TenantId&) = default;

 private:
  explicit TenantId(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

}  // namespace sojourn::domain
