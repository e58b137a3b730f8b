// An operation of a plan as a case of its function's contract: what decides which kernels take it,
// what it costs, and, with the inputs that it met, what its outputs may be.
#pragma once

#include "properties/contract.hpp"
#include "tools/gpt2/plan.hpp"

namespace assay::gpt2 {

const properties::contract& contract_of(const operation& of);

// Without data: distribution and seed say nothing. Windows on values count as tensors of their own.
// Throws std::logic_error where the operation's operands are not those of the contract.
properties::case_id case_of(const operation& of, const plan& in);

// The parameters as the contract takes them.
std::vector<double> parameters_of(const operation& of);

}  // namespace assay::gpt2
