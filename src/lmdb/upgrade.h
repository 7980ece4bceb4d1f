// A directory of format 1 becomes one of format 2 (docs/internals/data-format.md, "Versions").
#pragma once

#include <lmdb.h>

#include "tables.h"

namespace sojourn::lmdb {

// Makes `logs` and says what is in it; the caller writes the new format. In proportion to the
// number of tenants. Returns liblmdb's error.
int upgrade_from_1(MDB_txn* transaction, Tables& tables);

}  // namespace sojourn::lmdb
