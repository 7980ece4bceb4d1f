#include "access/key_file.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "base/seeded_entropy.h"

namespace sojourn::access {
namespace {

using testing::AllOf, testing::HasSubstr, testing::StartsWith;

class KeyFile : public testing::Test {
 protected:
  KeyFile() {
    std::string name = (std::filesystem::temp_directory_path() / "sojourn-keys-XXXXXX").string();
    directory_ = mkdtemp(name.data());
    path_ = directory_ / "keys.toml";
  }
  ~KeyFile() override { std::filesystem::remove_all(directory_); }

  void write(std::string_view text) const { std::ofstream(path_, std::ios::binary) << text; }
  std::string text() const {
    std::ostringstream out;
    out << std::ifstream(path_, std::ios::binary).rdbuf();
    return out.str();
  }
  mode_t mode() const {
    struct stat status{};
    stat(path_.c_str(), &status);
    return status.st_mode & 0777;
  }

  ApiKey key(std::string name) {
    ApiKey made{.name = std::move(name), .sha256 = hash_(make_key(entropy_))};
    made.scopes.add(Scope::read);
    return made;
  }

  std::filesystem::path directory_;
  std::filesystem::path path_;

 private:
  SeededEntropy entropy_;
  KeyHasher hash_;
};

TEST_F(KeyFile, IsReadAsItWasWritten) {
  const ApiKey web = key("web");
  write(key_line(web));
  const auto ring = read_key_file(path_);
  ASSERT_TRUE(ring) << ring.error();
  EXPECT_THAT(ring->keys(), testing::ElementsAre(web));
}

TEST_F(KeyFile, ThatCannotBeReadIsNamed) {
  EXPECT_THAT(read_key_file(path_).error(),
              AllOf(HasSubstr("keys.toml"), HasSubstr("No such file")));
  EXPECT_THAT(read_key_file(directory_).error(), HasSubstr("it is a directory"));
  write("web = 1\n");
  EXPECT_THAT(read_key_file(path_).error(), StartsWith(path_.string() + ":1: "));
}

TEST_F(KeyFile, ThatIsAPipeIsRefusedAndNotWaitedFor) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(read_key_file(path_).error(), HasSubstr("not a regular file"));
}

TEST_F(KeyFile, HasALargestSize) {
  write(std::string(kMaxKeyFileBytes, '\n'));
  EXPECT_TRUE(read_key_file(path_));
  write(std::string(kMaxKeyFileBytes + 1, '\n'));
  EXPECT_THAT(read_key_file(path_).error(), HasSubstr("larger than 16 MiB"));
}

TEST_F(KeyFile, IsMadeForItsOwnerAlone) {
  const ApiKey web = key("web");
  ASSERT_TRUE(append_to_key_file(path_, web));
  EXPECT_EQ(text(), key_line(web));
  EXPECT_EQ(mode(), 0600U);
}

TEST_F(KeyFile, IsMadeByRootForTheGroupOfItsDirectory) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  const auto made_in = [&](uid_t owner, mode_t directory_mode) {
    std::filesystem::remove(path_);
    const auto directory = path_.parent_path();
    EXPECT_EQ(chown(directory.c_str(), owner, 12'345), 0);
    EXPECT_EQ(chmod(directory.c_str(), directory_mode), 0);
    EXPECT_TRUE(append_to_key_file(path_, key("web")));
    struct stat status{};
    EXPECT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, owner);
    EXPECT_EQ(status.st_gid, 12'345U);
    return mode();
  };
  EXPECT_EQ(made_in(0, 0750), 0640U);
  EXPECT_EQ(made_in(0, 0700), 0600U);
  EXPECT_EQ(made_in(54'321, 0700), 0600U);
}

TEST_F(KeyFile, KeepsWhatIsThereAndItsMode) {
  const ApiKey one = key("one");
  const ApiKey two = key("two");
  const std::string before = "# ours\n" + key_line(one) + "# no line end";
  write(before);
  chmod(path_.c_str(), 0640);
  ASSERT_TRUE(append_to_key_file(path_, two));
  EXPECT_EQ(text(), before + "\n" + key_line(two));
  EXPECT_EQ(mode(), 0640U);
}

TEST_F(KeyFile, IsNotTouchedWhenTheNewLineWouldNotFit) {
  const std::string before = key_line(key("web"));
  write(before);
  const auto appended = append_to_key_file(path_, key("web"));
  ASSERT_FALSE(appended);
  EXPECT_THAT(appended.error(), HasSubstr("a key named web already"));
  EXPECT_EQ(text(), before);

  write("broken");
  EXPECT_THAT(append_to_key_file(path_, key("two")).error(), StartsWith(path_.string() + ":1: "));
  EXPECT_EQ(text(), "broken");

  write("");
  ApiKey useless = key("useless");
  useless.scopes = {};
  EXPECT_FALSE(append_to_key_file(path_, useless));
  EXPECT_EQ(text(), "");
}

TEST_F(KeyFile, TakesLinesOfManyProcessesAtOnce) {
  std::vector<ApiKey> keys;
  for (int i = 0; i < 32; ++i) keys.push_back(key("key" + std::to_string(i)));
  {
    std::vector<std::jthread> threads;
    for (const ApiKey& one : keys) {
      threads.emplace_back([&] { EXPECT_TRUE(append_to_key_file(path_, one)); });
    }
  }
  const auto ring = read_key_file(path_);
  ASSERT_TRUE(ring) << ring.error();
  EXPECT_EQ(ring->keys().size(), keys.size());
}

}  // namespace
}  // namespace sojourn::access
