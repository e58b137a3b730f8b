// Random parameters as GPT-2 begins with (Radford et al. 2019, section 2.3, and its published
// code): normal with a deviation of 0.02, of the two projections that end on a residual 0.02 /
// sqrt(2 layers); biases 0, norms 1 and 0.
#pragma once

#include "tools/gpt2/model_folder.hpp"

namespace assay::gpt2 {

// An element is the deviation times a number that depends on the seed, its parameter's name and its
// index, and on nothing else.
model initial_model(const gpt2_config& config, std::uint64_t seed, dtype type = dtype::fp32);

}  // namespace assay::gpt2
