// Small records made by hand.
#pragma once

#include "golden/record.hpp"
#include "properties/staged_call.hpp"

#include <string>
#include <utility>
#include <vector>

namespace assay::golden::test {

inline const properties::case_id k_case =
    properties::parse_case("v1/relu.plain.fwd/x=fp32,y=fp32/n=4/dist=normal/seed=1");

inline tensor of_values(std::string name, holding what, dtype type,
                        const std::vector<double>& values) {
  return {std::move(name),
          what,
          type,
          {std::int64_t(values.size())},
          properties::encoded(type, values)};
}

// A record of one case, with an input and an output.
inline record record_of(const std::vector<double>& x, std::vector<tensor> outputs) {
  recorded_case one{k_case, {of_values("x", holding::input, dtype::fp32, x)}};
  for (tensor& each : outputs) one.tensors.push_back(std::move(each));
  return {"relu", {{"generator", "a test"}}, {one}};
}

inline record record_of_output(const std::vector<double>& y) {
  return record_of({1, 2, 3, 4}, {of_values("y", holding::rounded, dtype::fp32, y)});
}

}  // namespace assay::golden::test
