// What each kernel of AdamW computes, operation by operation, and of which elements it promises
// anything; with a copy of the weights or without.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

std::vector<implementation> adamw_implementations(bool copied);

}  // namespace assay::properties
