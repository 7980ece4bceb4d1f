#include "descriptor_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string>

namespace sojourn::app {
namespace {

constexpr size_t kRoom = 4096;

bool always() { return true; }

class DescriptorWriterTest : public testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    reading_ = FileDescriptor(ends[0]);
    writing_ = FileDescriptor(ends[1]);
    ASSERT_EQ(fcntl(writing_.get(), F_SETPIPE_SZ, kRoom), static_cast<int>(kRoom));
  }
  void fill() { ASSERT_EQ(::write(writing_.get(), std::string(kRoom, 'x').data(), kRoom), 4096); }
  std::string read() {
    std::string text(2 * kRoom, '\0');
    const ssize_t got = ::read(reading_.get(), text.data(), text.size());
    text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
    return text;
  }

  FileDescriptor reading_, writing_;
};

TEST_F(DescriptorWriterTest, WritesAllInParts) {
  std::string text;
  for (size_t i = 0; i < 3 * kRoom + 7; ++i) text.push_back(static_cast<char>('a' + i % 26));
  std::string got;
  // Reads whenever the pipe is full: after each part but the last.
  const auto read_on = [&] {
    int waiting = 0;
    ioctl(writing_.get(), FIONREAD, &waiting);
    if (waiting > 0) got += read();
    return true;
  };
  EXPECT_TRUE(DescriptorWriter(writing_.get()).write(text, read_on));
  EXPECT_EQ(got + read(), text);
}

TEST_F(DescriptorWriterTest, GivesUpWhenNobodyReads) {
  fill();
  int asked = 0;
  EXPECT_FALSE(DescriptorWriter(writing_.get()).write("text", [&] { return ++asked < 3; }));
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(asked, 3);
}

// poll(2) found room, another process took it: write(2) must not wait.
TEST_F(DescriptorWriterTest, NeverBlocksWhenAnotherProcessFillsThePipe) {
  int asked = 0;
  EXPECT_FALSE(DescriptorWriter(writing_.get()).write("text", [&] {
    if (++asked == 2) fill();  // after poll(2)
    return asked < 4;
  }));
  EXPECT_EQ(asked, 4);
}

TEST_F(DescriptorWriterTest, LeavesTheDescriptorItWasGivenAsItWas) {
  EXPECT_TRUE(DescriptorWriter(writing_.get()).write("text", always));
  EXPECT_EQ(fcntl(writing_.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(read(), "text");
}

TEST_F(DescriptorWriterTest, SaysWhyItCannot) {
  const FileDescriptor closed(
      open("/dev/null", O_RDONLY | O_CLOEXEC));  // see standard_descriptors.h
  EXPECT_FALSE(DescriptorWriter(closed.get()).write("text", always));
  EXPECT_EQ(errno, EBADF);
  signal(SIGPIPE, SIG_IGN);
  reading_.reset();
  EXPECT_FALSE(DescriptorWriter(writing_.get()).write("text", always));
  EXPECT_EQ(errno, EPIPE);
  const FileDescriptor full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_FALSE(DescriptorWriter(full.get()).write("text", always));
  EXPECT_EQ(errno, ENOSPC);
}

}  // namespace
}  // namespace sojourn::app
