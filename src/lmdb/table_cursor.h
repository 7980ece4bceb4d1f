// RAII over a liblmdb cursor: a place in a table, moved in key order.
#pragma once

#include <lmdb.h>

#include <string_view>

#include "tables.h"

namespace sojourn::lmdb {

// Lives inside its transaction. The moves return 0, MDB_NOTFOUND when there is no such entry, or
// another error; key() and value() are valid after a 0, until the transaction changes something or
// ends.
class TableCursor {
 public:
  TableCursor(MDB_txn* transaction, MDB_dbi table)
      : opened_(mdb_cursor_open(transaction, table, &cursor_)) {}
  ~TableCursor() {
    if (cursor_ != nullptr) mdb_cursor_close(cursor_);
  }
  TableCursor(const TableCursor&) = delete;
  TableCursor& operator=(const TableCursor&) = delete;

  int first() { return move(MDB_FIRST); }
  int next() { return move(MDB_NEXT); }
  int previous() { return move(MDB_PREV); }

  // To the first entry whose key is `key` or after it.
  int seek(std::string_view key) {
    key_ = as_val(key);
    return move(MDB_SET_RANGE);
  }

  // To the last entry whose key is before `key`.
  int seek_before(std::string_view key) {
    const int error = seek(key);
    if (error == MDB_NOTFOUND) return move(MDB_LAST);
    return error ? error : previous();
  }

  // Takes the entry away; next() then goes to the one after it.
  int erase() { return mdb_cursor_del(cursor_, 0); }

  std::string_view key() const { return as_view(key_); }
  std::string_view value() const { return as_view(value_); }

 private:
  int move(MDB_cursor_op how) {
    return opened_ ? opened_ : mdb_cursor_get(cursor_, &key_, &value_, how);
  }

  MDB_cursor* cursor_ = nullptr;
  const int opened_;
  MDB_val key_{};
  MDB_val value_{};
};

}  // namespace sojourn::lmdb
