// Models of functions whose results are choices: one of many, by numbers that the implementation
// rounds. Such a result has no error; but where numbers nearly decide otherwise, rounding may leave
// several results open, and each of those is right.
#pragma once

#include "properties/model.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace assay::properties {

class choosing_model : public rounding_model {
 public:
  // Of every element of the output, in ascending order, the results that the declared arithmetic
  // leaves open. One where nothing rounds.
  virtual std::vector<std::vector<std::int64_t>> open(const case_inputs& inputs) const = 0;
};

// The model as that of a choice, or null.
inline const choosing_model* as_choosing(const rounding_model& model) {
  return dynamic_cast<const choosing_model*>(&model);
}

}  // namespace assay::properties
