#include "domain/tenant_id.h"

#include "base/text.h"

namespace sojourn::domain {

Result<TenantId> TenantId::parse(std::string text) {
  if (text.empty()) {
    return failure(ErrorKind::tenant_id_required,
                   "Name the tenant with the query parameter tenantId, as in ?tenantId=1.");
  }
  if (text.size() > kMaxBytes || !is_utf8(text) || has_control_characters(text)) {
    return failure(ErrorKind::invalid_parameter,
                   "tenantId must be 1 to 128 bytes of UTF-8 without control characters.");
  }
  return TenantId(std::move(text));
}

}  // namespace sojourn::domain
