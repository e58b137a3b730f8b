#include "properties/atomic_file.hpp"

#include "properties/temporary_folder.hpp"
#include "properties/test/refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

namespace assay::properties {
namespace {

using testing::HasSubstr;

class atomic_file : public testing::Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  std::size_t files() const {
    return std::size_t(std::distance(std::filesystem::directory_iterator(folder_.path()), {}));
  }

 private:
  temporary_folder folder_;
};

TEST_F(atomic_file, is_read_as_it_was_written) {
  const std::string all("a\0b\nc\xff", 6);
  for (const std::string& contents : {std::string(), all, std::string(1 << 20, 'x')}) {
    write_file(path("file"), contents);
    EXPECT_EQ(read_file(path("file"), 1 << 20), contents);
    EXPECT_EQ(mapped_file(path("file"), 1 << 20).contents(), contents);
  }
  EXPECT_EQ(files(), 1u);
}

TEST_F(atomic_file, has_the_permissions_of_any_other_new_file) {
  const mode_t before = umask(027);
  write_file(path("file"), "x");
  umask(before);
  struct stat about {};
  ASSERT_EQ(stat(path("file").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0640u);
}

TEST_F(atomic_file, stays_what_it_was_where_the_disk_is_full) {
  write_file(path("file"), "before");
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string refusal = refusal_of([&] { write_file(path("file"), std::string(5000, 'x')); });
  const std::string other = refusal_of([&] { write_file(path("new"), std::string(5000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(refusal, path("file") + ": cannot be written: File too large");
  EXPECT_EQ(other, path("new") + ": cannot be written: File too large");
  EXPECT_EQ(read_file(path("file"), 100), "before");
  EXPECT_EQ(files(), 1u);
}

TEST_F(atomic_file, is_refused_where_it_cannot_be) {
  EXPECT_THAT(refusal_of([&] { write_file(path("no/file"), "x"); }), HasSubstr("No such file"));
  EXPECT_THAT(refusal_of([&] { write_file(path(""), "x"); }), HasSubstr("Is a directory"));
  EXPECT_THAT(refusal_of([&] { read_file(path("file"), 1); }), HasSubstr("No such file"));
  EXPECT_THAT(refusal_of([&] { read_file(path(""), 1); }), HasSubstr("it is not a file"));
  write_file(path("file"), "four");
  EXPECT_THAT(refusal_of([&] { read_file(path("file"), 3); }), HasSubstr("at most 3"));
  EXPECT_THAT(refusal_of([&] { mapped_file(path("file"), 3); }), HasSubstr("at most 3"));
}

TEST_F(atomic_file, leaves_devices_and_links_what_they_are) {
  write_file("/dev/null", "x");
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  EXPECT_THAT(refusal_of([&] { write_file("/dev/full", "x"); }), HasSubstr("No space left"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/full"));
  write_file(path("file"), "before");
  std::filesystem::create_symlink(path("file"), path("link"));
  write_file(path("link"), "after");
  EXPECT_TRUE(std::filesystem::is_symlink(path("link")));
  EXPECT_EQ(read_file(path("file"), 100), "after");
}

// Whoever reads while it is written sees the one or the other.
TEST_F(atomic_file, is_never_seen_half_written) {
  const std::string a(100'000, 'a'), b(50'000, 'b');
  write_file(path("file"), a);
  std::atomic<bool> through = false;
  std::thread writer([&] {
    for (int i = 0; i < 50; ++i) write_file(path("file"), i % 2 ? a : b);
    through = true;
  });
  while (!through) {
    const std::string seen = read_file(path("file"), 1 << 20);
    EXPECT_TRUE(seen == a || seen == b) << seen.size();
  }
  writer.join();
}

}  // namespace
}  // namespace assay::properties
