// What each kernel of attention declares of its arithmetic, and what it promises.
#pragma once

#include "properties/attention_model.hpp"
#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

namespace assay::properties {

// All of them, of one variant.
std::vector<implementation> attention_implementations(const attention_variant& of);

// What each batch's rows see in a case; under padding, with the lengths that its id draws.
case_inputs masks_drawn_by(const attention_variant& of, const case_id& id);

// Why the kernels on tensor cores do not take a case, or nothing.
std::string declined_by_mma(const case_id& id);

}  // namespace assay::properties
