// Options security.* that say who may call.
#pragma once

#include <filesystem>

namespace sojourn::access {

struct AccessOptions {
  // security.key_file: the API keys that are accepted. Empty: none is asked for.
  std::filesystem::path key_file;
};

}  // namespace sojourn::access
