// What is declared of the kernels of layer norm: order, rounding, promises, traffic.
#pragma once

#include "properties/contract.hpp"
#include "properties/layer_norm_rows.hpp"

#include <vector>

namespace assay::properties {

std::vector<implementation> layer_norm_forward_implementations(const layer_norm_variant& of);
std::vector<implementation> layer_norm_backward_implementations(const layer_norm_variant& of);

}  // namespace assay::properties
