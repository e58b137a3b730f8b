#include "properties/temporary_folder.hpp"

#include "properties/atomic_file.hpp"
#include "properties/test/refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace assay::properties {
namespace {

TEST(temporary_folder, is_empty_and_ones_own_and_gone_with_what_is_in_it) {
  std::optional<temporary_folder> one(std::in_place), other(std::in_place);
  const std::string first = one->path(), second = other->path();
  EXPECT_NE(first, second);
  EXPECT_TRUE(std::filesystem::is_empty(first));
  std::filesystem::create_directory(one->file("folder"));
  write_file(one->file("folder/file"), "x");
  one.reset();
  EXPECT_FALSE(std::filesystem::exists(first));
  EXPECT_TRUE(std::filesystem::exists(second));
}

TEST(temporary_folder, is_refused_where_there_is_no_place_for_it) {
  const char* const before = std::getenv("TMPDIR");
  const std::optional<std::string> kept =
      before ? std::optional<std::string>(before) : std::nullopt;
  const temporary_folder gone;
  setenv("TMPDIR", gone.file("absent").c_str(), 1);
  const std::string refusal = refusal_of([] { temporary_folder(); });
  kept ? setenv("TMPDIR", kept->c_str(), 1) : unsetenv("TMPDIR");
  EXPECT_THAT(refusal, testing::HasSubstr("is TMPDIR one that can be written?"));
}

}  // namespace
}  // namespace assay::properties
