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

// An executor of a plan that puts one more token to each of `batch` sequences whose other tokens
// are in caches, zeros here, for the `length`th; and takes the most probable one to come.
executor loaded_to_decode(const model& of, std::int64_t batch, std::int64_t length, dtype type,
                          const execution& how);

// `type`: of parameters and activations.
std::unique_ptr<engine> make_kernel_engine(const model& of, dtype type, const execution& how);

}  // namespace assay::gpt2
