// READMEs that say what kernels cost, against what the command would write there.

#include "bench/claims.hpp"

#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"

#include <gtest/gtest.h>

#include <ostream>

namespace assay::bench {

void PrintTo(const claim& each, std::ostream* out) { *out << each.name; }

namespace {

class claim_of : public testing::TestWithParam<claim> {};

TEST_P(claim_of, stands_in_its_readme_as_the_command_writes_it) {
  const std::string readme =
      properties::read_file(std::string(ASSAY_ROOT) + "/" + GetParam().file, 1 << 20);
  const claimed made = GetParam().make();
  for (const std::string& each : made.contradictions) ADD_FAILURE() << each;
  EXPECT_EQ(section_of(readme, GetParam().name), made.text)
      << "  if that is meant: assay bench claims --write";
}

INSTANTIATE_TEST_SUITE_P(every, claim_of, testing::ValuesIn(claims()),
                         [](const auto& tested) { return tested.param.name; });

TEST(section, is_what_stands_between_two_lines) {
  const std::string document =
      "a\n<!-- assay bench claims x -->\nold\n<!-- end -->\nb\n"
      "<!-- assay bench claims y -->\n<!-- end -->\nc\n";
  EXPECT_EQ(section_of(document, "x"), "old\n");
  EXPECT_EQ(section_of(document, "y"), "");
  EXPECT_EQ(with_section(document, "x", "new\n"),
            "a\n<!-- assay bench claims x -->\nnew\n<!-- end -->\nb\n"
            "<!-- assay bench claims y -->\n<!-- end -->\nc\n");
  EXPECT_EQ(section_of(with_section(document, "y", "| 1 |\n"), "y"), "| 1 |\n");
}

TEST(section, that_is_not_there_once_is_refused) {
  const std::string begin = "<!-- assay bench claims x -->\n", end = "<!-- end -->\n";
  for (const std::string& document :
       {std::string(), end, begin, end + begin, begin + end + begin, begin + begin + end,
        "<!-- assay bench claims xy -->\n" + end})
    EXPECT_THROW(section_of(document, "x"), bad_input) << document;
}

}  // namespace
}  // namespace assay::bench
