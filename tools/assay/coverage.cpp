#include "tools/assay/coverage.hpp"

#include "properties/distribution.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::tools {
namespace {

using namespace properties;

// A class of numbers: those up to `most` that no class before it has.
struct band {
  double most;
  const char* name;
};

// Lengths of the innermost dimension, by what holds them: a lane, a warp, its registers, a block's.
constexpr band k_lengths[] = {
    {0, "0"},          {1, "1"},       {31, "2-31"},        {32, "32"},
    {1023, "33-1023"}, {1024, "1024"}, {8192, "1025-8192"}, {1e300, "above"}};
constexpr band k_shares[] = {{0, "none"},      {0.25, "to 1/4"},   {0.5, "to 1/2"},
                             {0.75, "to 3/4"}, {0.999999, "to 1"}, {1, "all"}};

// The axes in their order, and the classes of each in theirs; a class that no axis names comes
// behind.
struct axis {
  std::string name;
  std::vector<std::string> classes;
};

template <std::size_t N>
std::vector<std::string> names_of(const band (&bands)[N]) {
  std::vector<std::string> names;
  for (const band& each : bands) names.emplace_back(each.name);
  return names;
}

template <std::size_t N>
std::string class_of(double x, const band (&bands)[N]) {
  const auto* const found =
      std::find_if(std::begin(bands), std::end(bands), [x](const band& b) { return x <= b.most; });
  return (found == std::end(bands) ? found - 1 : found)->name;
}

std::vector<axis> axes() {
  std::vector<std::string> data;
  for (const distribution_info& each : distributions()) data.emplace_back(each.name);
  return {{"dtype", {"fp32", "bf16", "fp16"}},
          {"distribution", data},
          {"length", names_of(k_lengths)},
          {"alignment", {"1", "2", "4", "8", "16", "32", "64", "128", "256"}},
          {"in place", {"no", "yes"}},
          {"gaps", {"no", "yes"}},
          {"masked", names_of(k_shares)},
          {"schedule", {"program order", "random"}},
          {"elements", {"all judged", "some outside the domain", "some without a bound"}},
          {"outputs", {"judged", "not judged"}}};
}

std::string judged_class(const run_report& report) {
  std::int64_t unbounded = 0, outside = 0;
  for (const output_verdict& each : report.outputs) {
    unbounded += each.strict.unbounded;
    outside += each.strict.elements - each.strict.judged;
  }
  return unbounded > 0 ? "some without a bound"
         : outside > 0 ? "some outside the domain"
                       : "all judged";
}

}  // namespace

void coverage::add(const run_report& report, const prepared_case& prepared) {
  const case_id& id = report.id.of;
  const contract& c = *prepared.of;
  ++counts_["dtype"][std::string(name_of(id.types[0].type))];
  ++counts_["distribution"][id.distribution.name];
  ++counts_["length"][class_of(double(id.dimension(c.dimensions.back())), k_lengths)];
  ++counts_["alignment"][value_of(id.shape, "align", 256).text()];
  ++counts_["in place"][value_of(id.shape, "inplace", 0) == number(1) ? "yes" : "no"];
  if (c.takes_gaps) ++counts_["gaps"][value_of(id.shape, "pad", 0) == number(0) ? "no" : "yes"];
  if (c.masked_share) ++counts_["masked"][class_of(c.masked_share(prepared.inputs), k_shares)];
  ++counts_["schedule"][report.id.schedule == 0 ? "program order" : "random"];
  ++counts_["elements"][judged_class(report)];
  for (const output_verdict& each : report.outputs) {
    counts_["outputs"]["judged"] += std::uint64_t(each.strict.judged);
    counts_["outputs"]["not judged"] += std::uint64_t(each.strict.elements - each.strict.judged);
  }
}

void coverage::merge(const nlohmann::json& other) {
  for (const auto& [axis, classes] : other.items())
    for (const auto& [name, count] : classes.items())
      counts_[axis][name] += count.get<std::uint64_t>();
}

nlohmann::json coverage::to_json() const { return counts_; }

std::string coverage::text() const {
  std::string all;
  for (const axis& each : axes()) {
    const auto found = counts_.find(each.name);
    if (found == counts_.end()) continue;
    std::string line;
    auto rest = found->second;
    for (const std::string& name : each.classes)
      if (const auto node = rest.extract(name)) line += fmt::format("  {} {}", name, node.mapped());
    for (const auto& [name, count] : rest) line += fmt::format("  {} {}", name, count);
    all += fmt::format("  {:13}{}\n", each.name, line);
  }
  return all;
}

}  // namespace assay::tools
