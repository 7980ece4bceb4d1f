#include "data_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <system_error>

namespace sojourn::lmdb {
namespace {

constexpr std::string_view kRestore = "restore a backup";

// A transaction may take pages at the end of the file and free them before it writes them: the file
// may be shorter than its head says by that much, which is not checked here any closer.
constexpr PageNumber kMostUnwritten = PageNumber{1} << 20;

// Nothing: it cannot be read, or is not one.
std::optional<Head> read_head(int fd, PageNumber number, size_t offset) {
  std::array<char, kHeadBytes> bytes;
  const ssize_t size = pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
  if (size < 0) return std::nullopt;
  return parsed_head({bytes.data(), static_cast<size_t>(size)}, number);
}

// Beside a process that commits, the second head may be of later commits than the first: then it is
// read again.
constexpr int kTries = 10;

std::expected<Head, std::string> newest_head_of(int fd, bool synced, int tries) {
  const auto size = lseek(fd, 0, SEEK_END);
  if (size == 0) {
    return std::unexpected(fmt::format(
        "data.mdb is empty, so what was in it is lost; {}, or remove the directory if there never "
        "was a session in it",
        kRestore));
  }
  const auto first = read_head(fd, 0, 0);
  const auto second = first ? read_head(fd, 1, first->page_size()) : std::nullopt;
  if (!first || !second || first->page_size() != second->page_size()) {
    return std::unexpected(
        fmt::format("data.mdb is not a file of this server, or is damaged; {}", kRestore));
  }
  // Commit N writes head N % 2. Before the first two, and in a backup, one or both are of commit 0.
  const auto is_in_its_place = [](const Head& head, uint64_t number) {
    return head.transaction == 0 || head.transaction % 2 == number;
  };
  const auto [older, newest] = std::minmax(
      *first, *second, [](const Head& a, const Head& b) { return a.transaction < b.transaction; });
  const bool apart = synced && newest.transaction - older.transaction > 1;
  if (apart && tries > 1) return newest_head_of(fd, synced, tries - 1);
  if (apart || !is_in_its_place(*first, 0) || !is_in_its_place(*second, 1)) {
    return std::unexpected(
        fmt::format("data.mdb is damaged: its two heads are of commits {} and {}; {}",
                    first->transaction, second->transaction, kRestore));
  }
  const PageNumber pages = static_cast<uint64_t>(size) / newest.page_size();
  if (newest.last_page < 1 || newest.last_page > pages + kMostUnwritten) {
    return std::unexpected(fmt::format("data.mdb is cut or damaged: it has {} pages of {}; {}",
                                       pages, newest.last_page + 1, kRestore));
  }
  return newest;
}

}  // namespace

std::expected<Head, std::string> newest_head(const std::filesystem::path& file, bool synced) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return std::unexpected("opening data.mdb: " + std::generic_category().message(errno));
  }
  auto head = newest_head_of(fd, synced, kTries);
  close(fd);
  return head;
}

}  // namespace sojourn::lmdb
