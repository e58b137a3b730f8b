// Rope in many digits (contract::precise).
#pragma once

#include "properties/rope_heads.hpp"

namespace assay::properties {

precise_reference precise_rope(const rope_variant& of, bool forward);

}  // namespace assay::properties
