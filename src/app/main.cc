// sojourn: a session server. What it can do is in commands.h.
#include "app/commands.h"
#include "standard_descriptors.h"

int main(int argc, char** argv) {
  if (!sojourn::app::open_missing_standard_descriptors()) return 1;
  return sojourn::app::run(argc, argv);
}
