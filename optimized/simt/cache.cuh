// Loads and stores that say how they want to be cached. The hints change nothing but speed.
#pragma once

#include "optimized/simt/pointer.cuh"

#if !defined(__CUDACC__)
#include <source_location>
#include <type_traits>
#endif

namespace assay::simt::inline ASSAY_BUILD {

#if defined(__CUDACC__)

// ld.global.nc: memory that nobody writes while the kernel runs.
template <class T>
SIMT_DEVICE T load_nc(const T* p) {
  return __ldg(p);
}
// ld.global.cs, st.global.cs: touched once, evicted first.
template <class T>
SIMT_DEVICE T load_cs(const T* p) {
  return __ldcs(p);
}
template <class T>
SIMT_DEVICE void store_cs(T* p, T value) {
  __stcs(p, value);
}

#else

template <class Pointer>
std::remove_cv_t<pointee<Pointer>> load_nc(
    Pointer p, std::source_location where = std::source_location::current()) {
  return load_at(p, where);
}
template <class Pointer>
std::remove_cv_t<pointee<Pointer>> load_cs(
    Pointer p, std::source_location where = std::source_location::current()) {
  return load_at(p, where);
}
template <class Pointer>
void store_cs(Pointer p, std::type_identity_t<pointee<Pointer>> value,
              std::source_location where = std::source_location::current()) {
  store_at(p, value, where);
}

template <class Pointer>
std::remove_cv_t<pointee<Pointer>> __ldg(
    Pointer p, std::source_location where = std::source_location::current()) {
  return load_at(p, where);
}

#endif

}  // namespace assay::simt::inline ASSAY_BUILD

#if !defined(__CUDACC__)
using assay::simt::__ldg;
#endif
