// Matrices whose rows lie any distance apart: as kernels have them, and as a raw call gives them.
#pragma once

#include "optimized/check_call.cuh"
#include "optimized/simt/pointer.cuh"

#include <cstdint>
#include <string>

namespace assay::optimized::inline ASSAY_BUILD {

// A matrix whose rows begin `stride` elements apart.
template <class T>
struct matrix_rows {
  simt::global<T> first;
  std::int64_t stride;

  SIMT_DEVICE simt::global<T> operator[](std::int64_t row) const { return first + row * stride; }
};

namespace detail {

// Elements from row to row of a matrix, or of matrices in a row; throws simt::error where that is
// not one number.
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

// Can every row of a call's matrices be read and written 16 bytes at a time, but for its end?
template <class T>
bool takes_words(const call_signature& of, const call& what) {
  bool aligned = true;
  for (std::size_t i = 0; i < what.tensors.size(); ++i) {
    const tensor& each = what.tensors[i];
    if (is_integer(each.type) || each.shape.size() < 2) continue;
    aligned = aligned && reinterpret_cast<std::uintptr_t>(each.data) % 16 == 0 &&
              row_stride(of, what, i) % (16 / std::int64_t(sizeof(T))) == 0;
  }
  return aligned;
}

}  // namespace detail

}  // namespace assay::optimized::inline ASSAY_BUILD
