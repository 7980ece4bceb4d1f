// Whether a change can be written down at all.
#pragma once

#include <string>

#include "domain/lifecycle.h"

namespace sojourn::encoding {

// What is wrong with a change that the rules would never make: it is about nothing, about two
// sessions, or has values beyond the domain's limits. Empty: nothing is.
std::string fault_of(const domain::Change& change);

}  // namespace sojourn::encoding
