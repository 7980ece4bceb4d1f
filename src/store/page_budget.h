// How large a page of sessions or events may be.
#pragma once

#include <cstddef>

#include "domain/event.h"
#include "domain/session.h"

namespace sojourn::store {

// A page ends with the entry that brings it to so many bytes, though it may hold more entries.
inline constexpr size_t kPageBytes = size_t{1} << 20;

// What an entry counts beside its texts: names, times and ids in an answer.
inline constexpr size_t kEntryOverhead = 512;

inline size_t text_bytes(const domain::Identity& identity) {
  return identity.agent_id.size() + identity.customer_id.size() + identity.visit_id.size() +
         identity.global_visit_id.size();
}

// About the size in an answer; the same for every store.
inline size_t page_bytes(const domain::Session& session) {
  return kEntryOverhead + text_bytes(session.identity) + session.attributes.size();
}
inline size_t page_bytes(const domain::Event& event) {
  return kEntryOverhead + text_bytes(event.from.identity) + event.from.attributes.size() +
         text_bytes(event.to.identity) + event.to.attributes.size();
}

// Counts what is put on a page.
class PageBudget {
 public:
  PageBudget(size_t limit, size_t bytes) : limit_(limit), bytes_(bytes) {}

  // Nothing more goes on the page.
  bool spent() const { return limit_ == 0 || bytes_ == 0; }

  template <class Entry>
  void take(const Entry& entry) {
    const size_t bytes = page_bytes(entry);
    limit_ -= limit_ > 0 ? 1 : 0;
    bytes_ -= bytes < bytes_ ? bytes : bytes_;
  }

  // What is left.
  size_t limit() const { return limit_; }
  size_t bytes() const { return bytes_; }

 private:
  size_t limit_;
  size_t bytes_;
};

}  // namespace sojourn::store
