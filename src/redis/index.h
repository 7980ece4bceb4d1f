// The index: which sessions have a value. It is written before the session, and verified when it is
// read (docs/internals/redis-data-format.md, "The index").
#pragma once

#include <span>
#include <string>
#include <vector>

#include "domain/lifecycle.h"
#include "servers.h"

namespace sojourn::redis {

// An index entry that a commit is about to make right, or wrong.
struct Mark {
  enum class Becomes { right, wrong };

  std::string name;  // encoding::index_key
  Becomes becomes;
  std::string mark;  // as scripts/mark.lua answered
};

class Index {
 public:
  Index(Servers& servers, std::vector<domain::IdentityAttribute> indexed)
      : servers_(servers), indexed_(std::move(indexed)) {}

  bool has(domain::IdentityAttribute attribute) const;

  // The entries that the change is about.
  std::vector<Mark> marks_of(const domain::Change& change) const;

  // Before the commit. Sets mark.mark.
  Task<Result<Reply>> mark(Mark& mark, bool in_place);
  // After the commit: each has become what it was to become.
  Task<void> settle(std::vector<Mark> marks);

  // A mark that nobody settled: looks at the session, and settles it.
  Task<Result<void>> verify(std::string name, std::string mark);

  // Gives a stored session the entries that it should have, and takes those by attributes that are
  // not indexed: for sessions of processes that had another option sessions.index.
  Task<Result<void>> fit(domain::Session session);

 private:
  Task<Result<void>> ensure(std::string name);
  Task<Result<void>> remove(std::string name);
  Task<Result<Reply>> settle_one(std::string name, std::string mark, bool wrong);

  Servers& servers_;
  const std::vector<domain::IdentityAttribute> indexed_;
};

// The last moment for a commit that follows the marks, as scripts/commit.lua takes it.
std::string deadline_of(std::span<const Mark> marks);

}  // namespace sojourn::redis
