// What launchers ask of a tensor of rows: where its rows begin, and whether words of 16 bytes do.
#pragma once

#include "optimized/check_call.cuh"
#include "optimized/row_access.cuh"

#include <cstdint>
#include <string>

namespace assay::optimized::inline ASSAY_BUILD::detail {

// Elements from row to row of a tensor of rank 2 or 3; throws simt::error where that is not one
// number.
inline std::int64_t row_stride(const call_signature& of, const call& what, std::size_t i) {
  const tensor& t = what.tensors[i];
  if (t.strides.empty()) return t.shape.back();
  const auto refuse = [&](const char* expected) {
    throw simt::error(of.name, tensor_number(i) + " has strides", expected);
  };
  const std::size_t rank = t.shape.size();
  if (t.strides.size() != rank) refuse("one for each of its dimensions");
  if (t.strides[rank - 1] != 1) refuse("rows whose elements are neighbours");
  const std::int64_t stride = t.strides[rank - 2];
  if (stride < t.shape[rank - 1]) refuse("rows that do not overlap");
  if (rank == 3 && t.shape[0] > 1 && t.strides[0] != t.shape[1] * stride)
    refuse("rows at one distance through all matrices");
  return stride;
}

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
