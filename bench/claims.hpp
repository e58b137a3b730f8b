// What a README claims of kernels, in tables that a command writes from contracts and counters and
// a test holds the README to. They stand between two lines of it:
//
//   <!-- assay bench claims NAME -->
//   <!-- end -->
#pragma once

#include <span>
#include <string>
#include <vector>

namespace assay::bench {

struct claimed {
  std::string text;  // Markdown, its last line ended
  // Counts that are not what the formula says, one line each: then the text is worth nothing.
  std::vector<std::string> contradictions;
};

struct claim {
  std::string name;
  std::string file;  // the README, from the repository's root
  claimed (*make)();
};
std::span<const claim> claims();

// A whole number as tables have it: 1048576 as 1,048,576.
std::string grouped(double value);

// What stands between the two lines of that name. Throws bad_input where they do not stand there
// once each.
std::string section_of(const std::string& document, const std::string& name);
std::string with_section(const std::string& document, const std::string& name,
                         const std::string& text);

}  // namespace assay::bench
