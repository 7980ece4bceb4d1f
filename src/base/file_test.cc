#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace sojourn {
namespace {

class ReadFile : public testing::Test {
 protected:
  ReadFile() {
    std::string name = (std::filesystem::temp_directory_path() / "sojourn-file-XXXXXX").string();
    directory_ = mkdtemp(name.data());
    path_ = directory_ / "file";
  }
  ~ReadFile() override { std::filesystem::remove_all(directory_); }

  void write(std::string_view text) const { std::ofstream(path_, std::ios::binary) << text; }

  std::filesystem::path directory_;
  std::filesystem::path path_;
};

TEST_F(ReadFile, GivesEveryByte) {
  for (const size_t size : {0U, 1U, 64U * 1024, 64U * 1024 + 1, 300'000U}) {
    std::string text(size, '\0');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7);
    write(text);
    EXPECT_EQ(read_file(path_, 300'000), text) << size;
  }
}

TEST_F(ReadFile, FollowsLinks) {
  write("text");
  std::filesystem::create_symlink(path_, directory_ / "link");
  EXPECT_EQ(read_file(directory_ / "link", 4), "text");
}

TEST_F(ReadFile, HasALargestSize) {
  write("12345");
  EXPECT_EQ(read_file(path_, 5), "12345");
  EXPECT_EQ(read_file(path_, 4).error(), "it is larger than 4 bytes");
  write(std::string(2049, 'x'));
  EXPECT_EQ(read_file(path_, 2048).error(), "it is larger than 2 KiB");
}

TEST_F(ReadFile, RefusesWhatIsNoRegularFile) {
  EXPECT_EQ(read_file(path_, 10).error(), "No such file or directory");
  EXPECT_EQ(read_file("", 10).error(), "No such file or directory");
  EXPECT_EQ(read_file(directory_, 10).error(), "it is a directory");
  EXPECT_EQ(read_file("/dev/null", 10).error(), "it is not a regular file");
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(read_file(path_, 10).error(), "it is not a regular file") << "and was not waited for";
}

TEST_F(ReadFile, SaysWhyAFileIsClosedToIt) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  write("text");
  ASSERT_EQ(chmod(path_.c_str(), 0), 0);
  EXPECT_EQ(read_file(path_, 10).error(), "Permission denied");
}

TEST_F(ReadFile, ADescriptorHasOneOwner) {
  write("text");
  FileDescriptor first(open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  const int fd = first.get();
  ASSERT_GE(fd, 0);
  FileDescriptor second(std::move(first));
  EXPECT_EQ(second.get(), fd);
  EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  second.reset();
  EXPECT_EQ(second.get(), -1);
  EXPECT_EQ(fcntl(fd, F_GETFD), -1);
}

}  // namespace
}  // namespace sojourn
