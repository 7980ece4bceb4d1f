#include "domain/identity.h"

#include "base/text.h"

namespace sojourn::domain {

bool is_identity_value(std::string_view text) {
  return text.size() <= Identity::kMaxBytes && is_utf8(text) && !has_control_characters(text);
}

const std::string& value_of(const Identity& identity, IdentityAttribute attribute) {
  switch (attribute) {
    case IdentityAttribute::agent_id:
      return identity.agent_id;
    case IdentityAttribute::customer_id:
      return identity.customer_id;
    case IdentityAttribute::visit_id:
      return identity.visit_id;
    case IdentityAttribute::global_visit_id:
      return identity.global_visit_id;
  }
  return identity.customer_id;
}

Identity merged(const Identity& current, const Identity& given) {
  const auto pick = [](const std::string& now, const std::string& next) {
    return next.empty() ? now : next;
  };
  return {.agent_id = pick(current.agent_id, given.agent_id),
          .customer_id = pick(current.customer_id, given.customer_id),
          .visit_id = pick(current.visit_id, given.visit_id),
          .global_visit_id = pick(current.global_visit_id, given.global_visit_id)};
}

}  // namespace sojourn::domain
