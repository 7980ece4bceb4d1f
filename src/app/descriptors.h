// Shares out the descriptors that the limit of open files (RLIMIT_NOFILE) allows, so that more
// clients than it has room for are refused as the options say, and never wait unheard. Every
// connection takes one; the loops, the listeners and the store need some, and reloads, metrics and
// health must find one free when all connections are taken.
#pragma once

#include <cstddef>
#include <expected>
#include <string>

#include "config/options.h"

namespace sojourn::app {

// http.threads, or one per core.
size_t io_threads(const config::Options& options);

struct DescriptorLimit {
  size_t most = 0;       // may be open at once
  size_t inherited = 0;  // of these were open before the server opened any
};

// Raises the soft limit to the hard one, since one descriptor a connection is what this process is
// for. Call before anything is opened.
DescriptorLimit raise_descriptor_limit();

struct DescriptorShares {
  struct Of {
    size_t connections = 0;  // of the listener: max_connections, or fewer
    size_t turned_away = 0;  // connections of each of its loops that wait for their 503 to be read
  };
  Of http;
  Of admin;
  std::string warning;  // one sentence if there is less than the options ask for; else empty
};

// The error is one sentence: the server could not even answer health checks within this limit.
std::expected<DescriptorShares, std::string> share_descriptors(const DescriptorLimit& limit,
                                                               const config::Options& options);

}  // namespace sojourn::app
