#include "bench/claims.hpp"

#include "bench/attention_claims.hpp"
#include "bench/mask_claims.hpp"
#include "properties/bad_input.hpp"

#include <fmt/format.h>

#include <utility>

namespace assay::bench {
namespace {

// Where the section begins, and how long it is.
std::pair<std::size_t, std::size_t> place_of(const std::string& document, const std::string& name) {
  const std::string begin = "<!-- assay bench claims " + name + " -->\n", end = "<!-- end -->\n";
  const std::size_t first = document.find(begin);
  const std::size_t from = first + begin.size();
  const std::size_t to = first == std::string::npos ? std::string::npos : document.find(end, from);
  if (to == std::string::npos || document.find(begin, from) != std::string::npos)
    throw bad_input("there is no one section between '{}' and '{}', a line each",
                    begin.substr(0, begin.size() - 1), end.substr(0, end.size() - 1));
  return {from, to - from};
}

}  // namespace

std::span<const claim> claims() {
  static const std::vector<claim> all = {
      {"attention", "optimized/README.md", attention_claims},
      {"causal_mask", "optimized/README.md", mask_claims},
  };
  return all;
}

std::string grouped(double value) {
  std::string digits = fmt::format("{:.0f}", value);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

std::string section_of(const std::string& document, const std::string& name) {
  const auto [from, length] = place_of(document, name);
  return document.substr(from, length);
}

std::string with_section(const std::string& document, const std::string& name,
                         const std::string& text) {
  const auto [from, length] = place_of(document, name);
  return std::string(document).replace(from, length, text);
}

}  // namespace assay::bench
