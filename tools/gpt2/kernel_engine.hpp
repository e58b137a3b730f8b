// A model run by kernels.
#pragma once

#include "tools/gpt2/engine.hpp"
#include "tools/gpt2/executor.hpp"

namespace assay::gpt2 {

// An executor of a plan for these tokens, with everything that it takes uploaded: parameters, each
// rounded to the plan's dtype, tokens, and targets where the plan has a backward pass.
executor loaded(const model& of, const reference::token_batch& tokens,
                const std::vector<std::int64_t>& targets, bool backward, dtype type,
                const execution& how);

// An executor of a plan that puts one more token, 0, to each of `batch` sequences whose other
// tokens are in caches, for the `length`th; and takes the most probable one to come. Element i of
// cache c (h.0.keys, h.0.values, h.1.keys, ...), of n elements each, is the cn + ith of numbers in
// [-1, 1) that another program has as easily: floor(2^16 frac(k 2654435769 / 2^32)) / 2^15 - 1,
// rounded. (Fractions of multiples of the golden ratio: Knuth, The Art of Computer
// Programming, 6.4.)
executor loaded_to_decode(const model& of, std::int64_t batch, std::int64_t length, dtype type,
                          const execution& how);

// An executor of a step of training on these tokens, from moments of 0, likewise.
executor loaded_to_step(const model& of, const reference::token_batch& tokens,
                        const std::vector<std::int64_t>& targets, dtype type,
                        const step_settings& by, const execution& how);

// `type`: of parameters and activations.
std::unique_ptr<engine> make_kernel_engine(const model& of, dtype type, const execution& how);

}  // namespace assay::gpt2
