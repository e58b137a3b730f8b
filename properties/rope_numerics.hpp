// What the implementations of rope declare, and the bounds that follow.
#pragma once

#include "properties/rope_heads.hpp"

namespace assay::properties {

std::vector<implementation> rope_implementations(const rope_variant& of, bool forward);

}  // namespace assay::properties
