// Shared memory. In a kernel:
//
//   __shared__ simt::array<float, 8> red;          red[i], or a shared<float>
//   __shared__ simt::array<float, 32, 33> tile;    tile[i][j]; tile[i] is a shared<float>
//   simt::shared<float> x = simt::dynamic_shared<float>(byte_offset, count);
//
// Under nvcc an array is what it looks like. In the emulator it is a handle that each thread makes
// for itself: its constructor finds the array's storage in the block's arena by the place in the
// source where the array is declared. So two arrays must not be declared by one expansion of a
// macro: they would be one. (The emulator gives up where they differ in size, the sanitized build
// always; it also takes a function with a shared array that calls itself for that.) Every innermost
// row has bounds of its own.
#pragma once

#include "optimized/simt/pointer.cuh"
#include "optimized/simt/vocabulary.cuh"

#include <cstddef>
#include <cstdint>

#if !defined(__CUDACC__)
#include "optimized/simt/emulator/shared_arena.hpp"

#include <source_location>
#endif

namespace assay::simt::inline ASSAY_BUILD {

// CUDA's limit for __shared__ variables; more is dynamic shared memory.
inline constexpr std::size_t k_static_shared_bytes = 48 * 1024;
// What one block may use altogether on sm_90 (227 KiB).
inline constexpr std::size_t k_shared_bytes = 227 * 1024;

#if defined(__CUDACC__)

namespace detail {
template <class T, int... Sizes>
struct nested;
template <class T>
struct nested<T> {
  using type = T;
};
template <class T, int First, int... Rest>
struct nested<T, First, Rest...> {
  using type = typename nested<T, Rest...>::type[First];
};
}  // namespace detail

template <class T, int First, int... Rest>
struct array {
  typename detail::nested<T, First, Rest...>::type elements;

  SIMT_DEVICE auto& operator[](std::ptrdiff_t i) { return elements[i]; }
  SIMT_DEVICE operator T*()
    requires(sizeof...(Rest) == 0)
  {
    return elements;
  }
};

template <class T>
SIMT_DEVICE shared<T> dynamic_shared(std::size_t byte_offset, std::size_t /*count*/) {
  // 1024: what the widest swizzle of the tensor memory accelerator asks for.
  extern __shared__ __align__(1024) unsigned char simt_dynamic_shared[];
  return reinterpret_cast<T*>(simt_dynamic_shared + byte_offset);
}

#else

// Part of a shared array: all of it, or tile[i] of a tile. Sizes are those of the part.
template <class T, int First, int... Rest>
class shared_part {
 public:
  explicit shared_part(shared_rows<T> rows) : rows_(rows) {}

  // An element of a row, or a part with one dimension fewer.
  decltype(auto) operator[](subscript i) const {
    if constexpr (sizeof...(Rest) == 0) {
      return rows_.row(First)[i];
    } else {
      return shared_part<T, Rest...>(rows_.template part<First, Rest...>(i));
    }
  }
  operator shared<T>() const
    requires(sizeof...(Rest) == 0)
  {
    return rows_.row(First);
  }

 protected:
  shared_rows<T> rows_;
};

template <class T, int First, int... Rest>
class array : public shared_part<T, First, Rest...> {
  static_assert(sizeof(T) * First * (1 * ... * Rest) <= k_static_shared_bytes,
                "__shared__ variables hold 48 KiB at most; use dynamic_shared");

 public:
  array(std::source_location where = std::source_location::current())
      : shared_part<T, First, Rest...>(
            shared_rows<T>::template of_variable<First, Rest...>(where)) {}
#if defined(ASSAY_SANITIZED)
  ~array() { this->rows_.let_go(); }
#endif
  array(const array&) = delete;
  array& operator=(const array&) = delete;
};

// COUNT values of T from BYTE_OFFSET on in the dynamic shared memory of the launch.
template <class T>
shared<T> dynamic_shared(std::size_t byte_offset, std::size_t count,
                         std::source_location where = std::source_location::current()) {
  return shared_rows<T>::of_dynamic(byte_offset, count, where).row(count);
}

#endif

}  // namespace assay::simt::inline ASSAY_BUILD
