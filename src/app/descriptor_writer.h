// Writes to a descriptor that others share, such as standard output, without ever blocking in it.
#pragma once

#include <functional>
#include <string_view>

#include "base/file.h"

namespace sojourn::app {

// Of one thread.
class DescriptorWriter {
 public:
  // `descriptor` stays open, and outlives this object.
  explicit DescriptorWriter(int descriptor);

  // Writes all of `text` as its reader takes it, and gives up once `go_on` is false, which is asked
  // before each wait and each part, a few times a second at least. False: something is not written,
  // and errno says why (EAGAIN: nobody reads).
  bool write(std::string_view text, const std::function<bool()>& go_on);

 private:
  const FileDescriptor own_;  // of a pipe; none of anything else
  const int descriptor_;
};

}  // namespace sojourn::app
