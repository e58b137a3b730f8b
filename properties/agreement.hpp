// Emulator against GPU: a kernel made of IEEE operations alone gives the same bits on both.
#pragma once

#include "optimized/dtype.hpp"
#include "properties/staged_call.hpp"

#include <string>

namespace assay::properties {

// Empty where both tensors have the same bits, every NaN being one and the same (payloads differ
// between processors); else the first element that differs and how many do.
std::string disagreement(dtype type, const tensor_bytes& cuda, const tensor_bytes& emulator);

}  // namespace assay::properties
