#include "domain/identity.h"

namespace sojourn::domain {

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
