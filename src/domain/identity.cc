#include "domain/identity.h"

namespace sojourn::domain {

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
