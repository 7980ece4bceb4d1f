// Makes the table `index` hold the attributes that it should (docs/internals/data-format.md,
// "index").
#pragma once

#include <expected>
#include <span>

#include "base/error.h"
#include "base/log.h"
#include "domain/identity.h"
#include "environment.h"

namespace sojourn::lmdb {

// Removes the entries of attributes that are not `wanted` any longer, and builds those of newly
// wanted ones; durable on return. Nothing else uses the directory meanwhile. Costs nothing when the
// table is right already, else time in proportion to the data; after an error or a crash the next
// call begins anew. The error is store_unavailable with a sentence for the operator.
Result<void> fit_index(Environment& environment, std::span<const domain::IdentityAttribute> wanted,
                       Log& log);

enum class IndexState { absent, incomplete, complete };

// What `meta` says of an attribute's entries.
std::expected<IndexState, PageFault> index_state(const View& view,
                                                 domain::IdentityAttribute attribute);

}  // namespace sojourn::lmdb
