// What kernels get of a device's buffers: simt::bind(buffer) is the kernel argument, a global<T>,
// or a global<const T> for a const buffer. A buffer of another build's device is an error.
#pragma once

#include "optimized/device.hpp"
#include "optimized/simt/pointer.cuh"
#include "optimized/simt/this_backend.hpp"

namespace assay::simt::inline ASSAY_BUILD {

template <class T>
void check_build(const optimized::buffer<T>& b) {
  if (b.where().place().build() == k_this_build) return;
  throw error("bind of '" + b.name() + "' on the " + b.where().name(),
              std::string("the kernel was built for ") + name_of(k_this_build));
}

template <class T>
global<T> bind(optimized::buffer<T>& b) {
  check_build(b);
  return bind<T>(b.data(), b.bytes());
}

template <class T>
global<const T> bind(const optimized::buffer<T>& b) {
  check_build(b);
  return bind<const T>(b.data(), b.bytes());
}

}  // namespace assay::simt::inline ASSAY_BUILD
