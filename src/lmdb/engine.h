// The parts of an LmdbEngine, for the files of this module.
#pragma once

#include <atomic>

#include "committer.h"
#include "environment.h"
#include "lmdb_store.h"
#include "readers.h"
#include "watch.h"

namespace sojourn::lmdb {

struct LmdbEngine::Impl {
  Impl(std::unique_ptr<Environment> opened, std::vector<domain::IdentityAttribute> attributes,
       const CommitterOptions& options, const Clock& time, Log& to)
      : log(to),
        clock(time),
        environment(std::move(opened)),
        indexed(std::move(attributes)),
        readers(*environment, to),
        committer(*environment, options, time, trimming, to),
        watch(committer, readers, options.timeout) {}

  Log& log;
  const Clock& clock;
  std::unique_ptr<Environment> environment;
  const std::vector<domain::IdentityAttribute> indexed;  // each once
  TrimmingDue trimming;
  Readers readers;
  Committer committer;
  Watch watch;
  std::atomic<uint64_t> damaged_reads = 0;
  std::atomic<size_t> stores = 0;  // store objects alive
};

}  // namespace sojourn::lmdb
