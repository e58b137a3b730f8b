#include "properties/accumulation.hpp"

#include <fmt/format.h>

namespace assay::properties {
namespace {

struct text_of {
  std::string operator()(const interleaved& level) const {
    if (level.lanes == 1) return "sequential";
    return level.width == 1 ? fmt::format("{} lanes", level.lanes)
                            : fmt::format("{} lanes by groups of {}", level.lanes, level.width);
  }
  std::string operator()(const tree&) const { return "tree"; }
  std::string operator()(const chunks& level) const {
    return fmt::format("chunks of {} ({})", level.size, level.inner->text());
  }
  std::string operator()(const tensor_core& level) const {
    return fmt::format("tensor core, {} at a time, {} extra bits, cut off", level.adder.block,
                       level.adder.extra_bits);
  }
};

}  // namespace

std::string order::text() const {
  std::string text;
  for (const level& each : levels) text += (text.empty() ? "" : ", ") + std::visit(text_of{}, each);
  return text;
}

}  // namespace assay::properties
