// What the contracts of attention and of its gradients have in common.
#pragma once

#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

#include <string>
#include <vector>

namespace assay::properties {

const std::vector<attention_variant>& attention_variants();

// Of a tensor of such a contract, where queries, keys and values are `rows`.
dtype attention_dtype(const std::string& tensor, dtype rows);

// Tensors, dtypes, parameters, cases, cost and masks; what is promised of results, and by whom, is
// left open.
contract attention_contract(const attention_variant& of, bool forward);

// Forward: the truths of o and lse.
std::vector<truth> exact_attention(const attention_variant& of, const case_inputs& in);

}  // namespace assay::properties
