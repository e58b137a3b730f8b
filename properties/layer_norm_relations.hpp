// How the properties of layer norm name tensors and compare results.
#pragma once

#include "properties/finite.hpp"
#include "properties/layer_norm_rows.hpp"
#include "properties/property.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties::layer_norm_relations {

using results = std::vector<bounded_output>;

// Relative to its terms' magnitudes, the error in double of a sum of n products of a few factors.
inline double error_in_double(std::size_t n) {
  return 2 * double(n + 8) * reference::k_unit_roundoff<double>;
}

// Where an input of this name stands among the inputs, or behind the last.
inline std::size_t place_of(const subject& s, const std::string& input) {
  const auto& inputs = s.of().inputs;
  return std::size_t(std::find_if(inputs.begin(), inputs.end(),
                                  [&](const tensor_spec& each) { return each.name == input; }) -
                     inputs.begin());
}
inline std::size_t output_of(const subject& s, const std::string& output) {
  const auto& outputs = s.of().outputs;
  return std::size_t(std::find_if(outputs.begin(), outputs.end(),
                                  [&](const tensor_spec& each) { return each.name == output; }) -
                     outputs.begin());
}

// `left` and `right` times `factor`, within both reaches.
inline std::string within_reaches(const bounded_output& left, const bounded_output& right,
                                  double factor = 1) {
  std::vector<double> expected, allowed;
  for (std::size_t i = 0; i < left.got.size(); ++i) {
    expected.push_back(factor * right.got[i]);
    allowed.push_back(left.reach[i] + std::abs(factor) * right.reach[i]);
  }
  return differ(left.got, expected, allowed);
}

inline std::string named(const subject& s, std::size_t output, const std::string& broken) {
  return broken.empty() ? broken : fmt::format("{} {}", s.of().outputs[output].name, broken);
}

}  // namespace assay::properties::layer_norm_relations
