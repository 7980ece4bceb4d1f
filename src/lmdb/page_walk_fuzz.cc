// Any bytes can stand in the pages: nothing outside them is read, and everything comes to an end.
#include <cstdint>
#include <cstdlib>
#include <string>

#include <lmdb.h>

#include "page_audit.h"
#include "page_walk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sojourn::lmdb;
  constexpr size_t kPageSize = 512;
  if (size < 8 || size > 64 * kPageSize) return 0;
  const std::string bytes(reinterpret_cast<const char*>(data), size - size % 8);
  // A copy of its own, whose end the sanitizer watches.
  const std::string file = bytes.substr(0, bytes.size() / kPageSize * kPageSize);
  Head head;
  if (const auto parsed = parsed_head(file, 0)) head = *parsed;
  head.last_page = file.size() / kPageSize;  // one behind the end
  const Pages pages{file.data(), kPageSize, file.size() / kPageSize};

  size_t entries = 0;
  for (const Tree& tree : {head.main, head.free}) {
    for (const auto order : {KeyOrder::bytes, KeyOrder::integer}) {
      PageWalk at(pages, tree, order);
      std::string before;
      for (int moved = at.first(); !moved; moved = at.next()) {
        if (order == KeyOrder::bytes && at.key() <= before) std::abort();
        before = at.key();
        if (++entries > 1'000'000) std::abort();
      }
      for (int moved = at.last(); !moved; moved = at.previous()) ++entries;
      for (const std::string& key : {before, std::string("a"), std::string("\xFF")}) {
        PageWalk seeking(pages, tree, KeyOrder::bytes);
        const int moved = seeking.seek(key);
        if (!moved && seeking.key() < key) std::abort();
        if (moved != MDB_CORRUPTED) seeking.previous();
        const auto found = look_up(pages, tree, key);
        if (found && *found) entries += (*found)->size() > 0 ? (*found)->back() == 'x' : 0;
      }
    }
  }
  size_t problems = 0;
  PageAudit audit(pages, head, [&](const std::string&) { ++problems; }, [](std::string_view) {});
  audit.run();
  return 0;
}
