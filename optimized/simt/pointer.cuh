// Pointers as kernels spell them: global<T> to global memory, shared<T> to shared memory. Under
// nvcc and in the plain build they are T*; in the sanitized build they are checked
// (checked_pointer.hpp).
//
// What kernels may use of them: p[i], p + n, p - n, p += n, p - q, &p[i], comparison, conversion to
// pointer-to-const, and view<float4>(p). There is no *p: write p[0].
#pragma once

#include <cstddef>
#include <type_traits>
#if !defined(__CUDACC__)
#include <source_location>
#endif

#include "optimized/simt/build.cuh"

#if defined(ASSAY_SANITIZED) && !defined(__CUDACC__)

#include "optimized/simt/emulator/sanitizer/checked_pointer.hpp"

#else

namespace assay::simt::inline ASSAY_BUILD {

template <class T>
using global = T*;
template <class T>
using shared = T*;

// What a pointer points to, const included.
template <class Pointer>
using pointee = std::remove_pointer_t<Pointer>;

// The same memory as values of another type, such as float4; const stays const. As in CUDA, the
// address must be a multiple of the new type's size.
template <class U, class T>
SIMT_HOST_DEVICE auto view(T* p) {
  using viewed = std::conditional_t<std::is_const_v<T>, const U, U>;
  return reinterpret_cast<viewed*>(p);
}

#if !defined(__CUDACC__)
// What a subscript converts to, here and in the sanitized build (which also notes its place).
using subscript = std::ptrdiff_t;

// *p and *p = value, for functions that know the place in the source they act for.
template <class T>
std::remove_cv_t<T> load_at(T* p, std::source_location) {
  return *p;
}
template <class T>
void store_at(T* p, T value, std::source_location) {
  *p = value;
}
#endif

// A kernel argument from raw device memory: BYTES of it may be accessed.
template <class T>
global<T> bind(const void* memory, [[maybe_unused]] std::size_t bytes) {
  return static_cast<T*>(const_cast<void*>(memory));
}

}  // namespace assay::simt::inline ASSAY_BUILD

#endif
