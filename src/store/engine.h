// A store as the process has it.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "store/session_store.h"
#include "store/statistics.h"

namespace sojourn::net {
class Loop;
}

namespace sojourn::store {

// Why no change would be acknowledged.
struct Trouble {
  enum class Ends { by_itself, by_restart };

  std::string_view reason;  // part of a sentence, for operators
  Ends ends;
  std::string_view status = "store_unavailable";  // its name in /readyz

  friend bool operator==(const Trouble&, const Trouble&) = default;
};

// Opened once, it gives every loop its own access. Any thread may call.
class Engine {
 public:
  // Closes. The store objects must be gone; the loops they were made for must still be there.
  virtual ~Engine() = default;

  // A store object for the thread of `home`, which must outlive the engine, or close().
  virtual std::unique_ptr<SessionStore> store_for(net::Loop& home) = 0;

  // None while changes are acknowledged.
  virtual std::optional<Trouble> trouble() const = 0;
  bool healthy() const { return !trouble(); }

  virtual Statistics statistics() const { return {}; }

  // The sessions of each tenant, for the first `limit` tenants. May take time in proportion to the
  // tenants, and waits for no network: a store that would have to cannot tell (store_unavailable).
  virtual Result<TenantCounts> sessions_by_tenant(size_t /*limit*/) const {
    return failure(ErrorKind::store_unavailable, "This store does not count by tenant at once.");
  }

  // Commits what waits, answers all of it, and ends. Later commits are store_unavailable. May wait
  // for the disk or the network. Twice is once.
  virtual void close() = 0;
};

}  // namespace sojourn::store
