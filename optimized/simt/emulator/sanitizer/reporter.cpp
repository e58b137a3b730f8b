#include "optimized/simt/emulator/sanitizer/reporter.hpp"

#include "optimized/simt/emulator/block.hpp"

#include <utility>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

coordinates coordinates_of(const uint3& at) { return {at.x, at.y, at.z}; }

// A kernel without a symbol (static, or in an anonymous namespace) is told by the function it
// stands in.
std::string name_of_kernel(const void* kernel, const std::string& function) {
  std::string name = kernel_name(kernel);
  return name.starts_with("kernel at ") && !function.empty() ? function : name;
}

}  // namespace

tool tool_of(offence what) {
  switch (what) {
    case offence::read_out_of_bounds:
    case offence::write_out_of_bounds:
    case offence::misaligned:
      return tool::memcheck;
    case offence::race:
    case offence::read_of_pending_copy:
    case offence::write_to_pending_copy:
    case offence::write_to_source_of_pending_copy:
      return tool::racecheck;
    case offence::uninitialised_read:
      return tool::initcheck;
    default:
      return tool::synccheck;
  }
}

void reporter::begin_launch(const void* kernel, const emulation& options) {
  kernel_ = kernel;
  tools_ = options.tools;
  run_ = options.run;
  most_ = options.most_findings;
}

bool reporter::is_asked_for(offence what) const {
  switch (tool_of(what)) {
    case tool::memcheck:
      return tools_.memcheck;
    case tool::racecheck:
      return tools_.racecheck;
    case tool::initcheck:
      return tools_.initcheck;
    case tool::synccheck:
      return tools_.synccheck;
  }
  return true;
}

void reporter::report(offence what, const block& b, const thread& t, std::uint32_t site,
                      std::uint32_t other, const site_table& sites,
                      const std::function<std::string()>& message) {
  if (!is_asked_for(what)) return;
  const auto [found, is_new] = known_.try_emplace({what, kernel_, site, other}, findings_.size());
  if (!is_new) {
    if (found->second < findings_.size()) ++findings_[found->second].count;
    return;
  }
  if (findings_.size() >= most_) {
    found->second = static_cast<std::size_t>(-1);  // known, and not kept
    return;
  }
  findings_.push_back({tool_of(what), message(), name_of_kernel(kernel_, sites.function(site)),
                       sites.line(site), sites.line(other), coordinates_of(b.index),
                       coordinates_of(t.index), run_, 1});
}

std::vector<finding> reporter::take() {
  known_.clear();
  return std::exchange(findings_, {});
}

}  // namespace assay::simt::inline ASSAY_BUILD
