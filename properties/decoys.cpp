#include "properties/decoys.hpp"

#include "properties/values.hpp"
#include "reference/round.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace assay::properties {
namespace {

reference::format format_of_output(const prepared_case& prepared, std::size_t output) {
  return format_of(prepared.inputs.id.types[prepared.of->inputs.size() + output].type);
}

// The farthest value above the truth that is the rounding of a real number within `limit` of it.
double farthest(const reference::format& out, double truth, double limit) {
  return reference::round(out, truth + limit);
}

// A value above the truth whose error is at least twice that of any value the bound allows.
double off_by_twice(const reference::format& out, double truth, double limit) {
  const double reach = std::max(limit, farthest(out, truth, limit) - truth);
  const double beyond = reference::round(out, truth + 2 * reach);
  return reference::next_up(out, beyond);
}

std::vector<double> previous_output(const prepared_case& prepared, std::size_t output) {
  case_id before = prepared.inputs.id;
  before.seed += 1;
  return rounded_truth(prepare(before))[output];
}

// The first elements of the first input that is no tensor of integers, as many as there are
// outputs, as the output's dtype has them.
std::vector<double> input_itself(const prepared_case& prepared, std::size_t output,
                                 std::size_t count) {
  const std::vector<tensor_type>& types = prepared.inputs.id.types;
  const auto input =
      std::find_if(types.begin(), types.begin() + std::ptrdiff_t(prepared.inputs.values.size()),
                   [](const tensor_type& each) { return !is_integer(each.type); });
  std::vector<double> copy(prepared.inputs.values[std::size_t(input - types.begin())]);
  copy.resize(count);
  const reference::format out = format_of_output(prepared, output);
  for (double& x : copy) x = reference::round(out, x);
  return copy;
}

}  // namespace

std::vector<std::vector<double>> rounded_truth(const prepared_case& prepared) {
  std::vector<std::vector<double>> right;
  for (std::size_t k = 0; k < prepared.exact.size(); ++k) {
    const truth& exact = prepared.exact[k];
    right.push_back(exact.rounded.empty() ? exact.value : exact.rounded);
    const reference::format out = format_of_output(prepared, k);
    for (double& y : right.back()) y = reference::round(out, y);
  }
  return right;
}

std::vector<decoy> decoys_of(const prepared_case& prepared, const implementation& by) {
  const std::vector<std::vector<double>> right = rounded_truth(prepared);
  const std::vector<std::vector<double>> limits = strict_limits(prepared, by);
  std::vector<decoy> all;
  for (std::size_t k = 0; k < right.size(); ++k) {
    const std::size_t n = right[k].size();
    const reference::format out = format_of_output(prepared, k);
    const auto add = [&](std::string name, std::vector<double> values) {
      all.push_back({std::move(name), k, right});
      all.back().outputs[k] = std::move(values);
    };
    add("zeros", std::vector<double>(n, 0));
    add("NaN", std::vector<double>(n, std::nan("")));
    add("a constant", std::vector<double>(n, 1));
    add("the input itself", input_itself(prepared, k, n));
    add("the previous case's output", previous_output(prepared, k));
    for (std::size_t i : {std::size_t(0), n / 2, n - 1}) {
      std::vector<double> off = right[k];
      off[i] = off_by_twice(out, prepared.exact[k].value[i], limits[k][i]);
      add("off by twice its bound at " + std::to_string(i), std::move(off));
    }
    if (n < 2) continue;
    std::vector<double> swapped = right[k];
    std::swap(swapped[0], swapped[1]);
    add("two swapped", std::move(swapped));
  }
  return all;
}

bound_edge edge_of(const prepared_case& prepared, const implementation& by, std::size_t output) {
  const std::vector<double> limits = strict_limits(prepared, by)[output];
  const truth& exact = prepared.exact[output];
  const reference::format out = format_of_output(prepared, output);
  bound_edge edge;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    edge.allowed.push_back(farthest(out, exact.value[i], limits[i]));
    edge.refused.push_back(reference::next_up(out, edge.allowed.back()));
  }
  return edge;
}

}  // namespace assay::properties
