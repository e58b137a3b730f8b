// What each kernel of decoding declares of its arithmetic, and what it moves.
#pragma once

#include "properties/attention_decode_model.hpp"
#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

#include <functional>

namespace assay::properties {

// Every kernel, of inputs that `contiguous` makes of a case's: those of attention.decode.fwd, whose
// cache lies in one piece (attention_decode_pages.hpp). `of`: that variant.
std::vector<implementation> decode_implementations(
    const attention_variant& of, std::function<case_inputs(const case_inputs&)> contiguous);

}  // namespace assay::properties
