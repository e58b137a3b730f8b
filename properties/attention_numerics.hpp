// What each kernel of attention declares of its arithmetic, and what it promises.
#pragma once

#include "properties/attention_model.hpp"
#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

namespace assay::properties {

// All of them, of one variant.
std::vector<implementation> attention_implementations(const attention_variant& of);

// How one kernel rounds, and of which elements something is promised.
std::shared_ptr<const rounding_model> attention_model(const attention_variant& of,
                                                      attention_algorithm kind);
std::vector<bool> promised_attention(const attention_variant& of, const case_inputs& in,
                                     std::size_t output);
inline constexpr const char* k_attention_domain =
    "rows of which (d + 2) times what a score's products add up to, and 4 times its bias, come to "
    "2^22 at most; values that add up to 2^115; not finite ones with weights above 2^-14";

// What each batch's rows see in a case; under padding, with the lengths that its id draws.
case_inputs masks_drawn_by(const attention_variant& of, const case_id& id);

// Why the kernels on tensor cores do not take a case, or nothing.
std::string declined_by_mma(const case_id& id);

}  // namespace assay::properties
