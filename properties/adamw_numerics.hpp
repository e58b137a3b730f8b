// What each kernel of AdamW computes, operation by operation, and of which elements it promises
// anything.
#pragma once

#include "properties/contract.hpp"

namespace assay::properties {

std::vector<implementation> adamw_implementations();

}  // namespace assay::properties
