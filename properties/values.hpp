// Stored elements and the numbers they stand for: every value of fp32, bf16, fp16 and int32 is a
// double.
#pragma once

#include "optimized/dtype.hpp"
#include "reference/round.hpp"

#include <cstdint>

namespace assay::properties {

// Precision and exponent range of a dtype, as reference/round.hpp wants them: int32 is a format
// whose values are 1 apart, up to 2^31 - 1 of either sign.
reference::format format_of(dtype type);

// The value of the low bits of `bits`, read as `type`. NaN payloads are not kept.
double decode(dtype type, std::uint64_t bits);

// The bits of `value`, which must be a value of `type` (round first); NaN becomes the quiet NaN.
std::uint64_t encode(dtype type, double value);

// The value of `type` nearest to `value`, ties to even, overflow to infinity; of an integer type,
// whose values have no infinity and no NaN, to its ends.
double round_to(dtype type, double value);

// The element at `index` of an array of `type`.
std::uint64_t load_bits(dtype type, const void* data, std::int64_t index);
void store_bits(dtype type, void* data, std::int64_t index, std::uint64_t bits);

}  // namespace assay::properties
