// What each kernel of softmax declares of its arithmetic, and what it promises.
#pragma once

#include "properties/contract.hpp"
#include "properties/softmax_kernels.hpp"
#include "properties/softmax_variant.hpp"

namespace assay::properties {

implementation softmax_implementation(const softmax_variant& of, const row_kernel& kernel,
                                      bool forward);

}  // namespace assay::properties
