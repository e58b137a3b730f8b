// attention.paged.fwd: decoding from a cache in pages (attention_decode_pages.hpp).
#pragma once

#include "properties/attention_shape.hpp"
#include "properties/contract.hpp"

namespace assay::properties {

// `decode`: the contract of the same cache in one piece; `of`: its variant.
contract paged_contract(const contract& decode, const attention_variant& of);

}  // namespace assay::properties
