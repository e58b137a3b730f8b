#include "properties/moderate.hpp"

#include "properties/contract.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {

double moderate(double x) {
  if (!std::isfinite(x) || x == 0) return 0.75;
  int exponent = 0;
  const double significand = std::frexp(x, &exponent);
  return std::ldexp(significand, std::clamp(exponent, -3, 4));
}

case_inputs with_parameter(case_inputs in, std::size_t which, double value) {
  const std::string& name = contract_of(in.id).parameters[which].name;
  in.parameters[which] = value;
  for (field& each : in.id.shape)
    if (each.key == name) each.value = number(value);
  return in;
}

}  // namespace assay::properties
