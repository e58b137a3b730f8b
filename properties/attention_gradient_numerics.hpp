// The kernels of attention's gradients: their numerics, promises, traffic.
#pragma once

#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

namespace assay::properties {

std::vector<implementation> attention_gradient_implementations(const attention_variant& of);

}  // namespace assay::properties
