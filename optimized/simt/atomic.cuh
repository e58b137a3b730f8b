// Atomics on global and shared memory as CUDA has them: relaxed, each returns the old value. With a
// fence before it an atomic releases, with a fence after it it acquires (__threadfence).
#pragma once

#include "optimized/simt/build.cuh"

#if !defined(__CUDACC__)

#include "optimized/simt/pointer.cuh"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <source_location>
#include <type_traits>

namespace assay::simt::inline ASSAY_BUILD {

enum class atomic_kind { update, exchange };

// A turn at an atomic: threads that spin give way to others now and then (emulator/atomic.cpp).
void atomic_turn();

namespace detail {

#if defined(ASSAY_SANITIZED)
template <class Pointer>
auto* atomic_address(Pointer p, atomic_kind kind, std::source_location where) {
  atomic_turn();
  return p.atomic_address(kind, where);
}
#else
template <class T>
T* atomic_address(T* p, atomic_kind, std::source_location) {
  atomic_turn();
  return p;
}
#endif

template <class T>
concept atomic_integer = std::is_integral_v<T> && (sizeof(T) == 4 || sizeof(T) == 8);
template <class T>
concept atomic_value = atomic_integer<T> || std::is_same_v<T, float> || std::is_same_v<T, double>;

template <class T>
using bits_for = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

// The bits that T's value has; float atomics compare bits, not values.
template <atomic_value T>
bits_for<T> representation(T value) {
  bits_for<T> bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
template <atomic_value T>
T value_of(bits_for<T> bits) {
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// *P becomes UPDATE(*p); returns what it was. Ordered more strongly than CUDA's, because that costs
// nothing on x86 and is all that ThreadSanitizer understands.
template <atomic_value T, class Update>
T modify(T* p, Update update) {
  auto* bits = reinterpret_cast<bits_for<T>*>(p);
  bits_for<T> old = __atomic_load_n(bits, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(bits, &old, representation<T>(update(value_of<T>(old))), true,
                                      __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
  }
  return value_of<T>(old);
}

// PTX, atom: on global memory, and not on shared memory, .add of f32 takes subnormal operands and
// results for zeros of their sign.
bool flushes_subnormals(const void* address);
inline float flushed(float value) {
  return std::fabs(value) < std::numeric_limits<float>::min() ? std::copysign(0.0f, value) : value;
}
inline float add_floats(float* p, float value) {
  if (!flushes_subnormals(p)) return modify(p, [=](float old) { return old + value; });
  return modify(p, [=](float old) { return flushed(flushed(old) + flushed(value)); });
}

template <class Pointer>
using value_at = std::remove_cv_t<pointee<Pointer>>;

}  // namespace detail

template <class Pointer, class T = detail::value_at<Pointer>>
T atomicAdd(Pointer p, std::type_identity_t<T> value,
            std::source_location where = std::source_location::current()) {
  T* const place = detail::atomic_address(p, atomic_kind::update, where);
  if constexpr (std::is_same_v<T, float>) {
    return detail::add_floats(place, value);
  } else {
    return detail::modify(place, [=](T old) {
      if constexpr (detail::atomic_integer<T>) {
        using unsigned_t = std::make_unsigned_t<T>;  // wraps
        return static_cast<T>(static_cast<unsigned_t>(old) + static_cast<unsigned_t>(value));
      } else {
        return old + value;
      }
    });
  }
}

template <class Pointer, detail::atomic_integer T = detail::value_at<Pointer>>
T atomicSub(Pointer p, std::type_identity_t<T> value,
            std::source_location where = std::source_location::current()) {
  using unsigned_t = std::make_unsigned_t<T>;
  return detail::modify(detail::atomic_address(p, atomic_kind::update, where), [=](T old) {
    return static_cast<T>(static_cast<unsigned_t>(old) - static_cast<unsigned_t>(value));
  });
}

template <class Pointer, detail::atomic_integer T = detail::value_at<Pointer>>
T atomicMin(Pointer p, std::type_identity_t<T> value,
            std::source_location where = std::source_location::current()) {
  return detail::modify(detail::atomic_address(p, atomic_kind::update, where),
                        [=](T old) { return value < old ? value : old; });
}

template <class Pointer, detail::atomic_integer T = detail::value_at<Pointer>>
T atomicMax(Pointer p, std::type_identity_t<T> value,
            std::source_location where = std::source_location::current()) {
  return detail::modify(detail::atomic_address(p, atomic_kind::update, where),
                        [=](T old) { return old < value ? value : old; });
}

template <class Pointer, detail::atomic_integer T = detail::value_at<Pointer>>
T atomicAnd(Pointer p, std::type_identity_t<T> value,
            std::source_location where = std::source_location::current()) {
  return detail::modify(detail::atomic_address(p, atomic_kind::update, where),
                        [=](T old) { return static_cast<T>(old & value); });
}

template <class Pointer, detail::atomic_integer T = detail::value_at<Pointer>>
T atomicOr(Pointer p, std::type_identity_t<T> value,
           std::source_location where = std::source_location::current()) {
  return detail::modify(detail::atomic_address(p, atomic_kind::update, where),
                        [=](T old) { return static_cast<T>(old | value); });
}

template <class Pointer, detail::atomic_integer T = detail::value_at<Pointer>>
T atomicXor(Pointer p, std::type_identity_t<T> value,
            std::source_location where = std::source_location::current()) {
  return detail::modify(detail::atomic_address(p, atomic_kind::update, where),
                        [=](T old) { return static_cast<T>(old ^ value); });
}

template <class Pointer, detail::atomic_value T = detail::value_at<Pointer>>
T atomicExch(Pointer p, std::type_identity_t<T> value,
             std::source_location where = std::source_location::current()) {
  return detail::modify(detail::atomic_address(p, atomic_kind::exchange, where),
                        [=](T) { return value; });
}

// Becomes VALUE where it was EXPECTED.
template <class Pointer, detail::atomic_integer T = detail::value_at<Pointer>>
T atomicCAS(Pointer p, std::type_identity_t<T> expected, std::type_identity_t<T> value,
            std::source_location where = std::source_location::current()) {
  return detail::modify(detail::atomic_address(p, atomic_kind::update, where),
                        [=](T old) { return old == expected ? value : old; });
}

// Counts up to LAST and starts again from 0.
template <class Pointer>
unsigned atomicInc(Pointer p, unsigned last,
                   std::source_location where = std::source_location::current()) {
  static_assert(std::is_same_v<detail::value_at<Pointer>, unsigned>);
  return detail::modify(detail::atomic_address(p, atomic_kind::update, where),
                        [=](unsigned old) { return old >= last ? 0u : old + 1u; });
}

// Counts down from LAST and starts again there.
template <class Pointer>
unsigned atomicDec(Pointer p, unsigned last,
                   std::source_location where = std::source_location::current()) {
  static_assert(std::is_same_v<detail::value_at<Pointer>, unsigned>);
  return detail::modify(detail::atomic_address(p, atomic_kind::update, where),
                        [=](unsigned old) { return old == 0 || old > last ? last : old - 1u; });
}

}  // namespace assay::simt::inline ASSAY_BUILD

using assay::simt::atomicAdd;
using assay::simt::atomicAnd;
using assay::simt::atomicCAS;
using assay::simt::atomicDec;
using assay::simt::atomicExch;
using assay::simt::atomicInc;
using assay::simt::atomicMax;
using assay::simt::atomicMin;
using assay::simt::atomicOr;
using assay::simt::atomicSub;
using assay::simt::atomicXor;

#endif
