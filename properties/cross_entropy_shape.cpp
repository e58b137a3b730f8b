#include "properties/cross_entropy_shape.hpp"

#include <algorithm>

namespace assay::properties {

entropy_shape entropy_shape::of(const case_id& id) {
  entropy_shape shape{id.dimension("rows"), id.dimension("v"), 0, id.variant == "mean",
                      id.direction == "bwd"};
  shape.live = std::int64_t(value_of(id.shape, "live", 0).as_double());
  if (shape.live == 0) shape.live = shape.columns;
  return shape;
}

std::int64_t rows_that_count(const case_inputs& in) {
  return std::count_if(in.values[k_targets].begin(), in.values[k_targets].end(),
                       [](double target) { return target >= 0; });
}

double entropy_scale(const case_inputs& in) {
  return in.parameters.size() > 1 ? in.parameters[1] : 1;
}

}  // namespace assay::properties
