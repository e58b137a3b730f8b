// What launchers ask of one tensor of rows: whether words of 16 bytes begin where its rows do, and
// the rows themselves.
#pragma once

#include "optimized/row_access.cuh"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD::detail {

// Can every row of a tensor, whatever its rank, be read and written 16 bytes at a time, but for its
// end?
template <class T>
bool takes_words(const call_signature& of, const call& what, std::size_t i) {
  const tensor& t = what.tensors[i];
  return reinterpret_cast<std::uintptr_t>(t.data) % 16 == 0 &&
         (t.shape.size() < 2 || row_stride(of, what, i) % k_row_group<T> == 0);
}

// A tensor of a checked call as rows.
template <class U>
matrix_rows<U> rows_of(const call_signature& of, const call& what, std::size_t i) {
  const tensor& at = what.tensors[i];
  return {simt::bind<U>(at.data, at.bytes()), row_stride(of, what, i)};
}

}  // namespace assay::optimized::inline ASSAY_BUILD::detail
