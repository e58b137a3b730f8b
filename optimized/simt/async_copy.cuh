// cp.async: copies from global to shared memory that a thread starts, groups, and waits for. Until
// the wait that covers it a copy has not happened; after the wait it has happened for the thread
// that waited, and a barrier tells the others.
#pragma once

#include "optimized/simt/pointer.cuh"

#include <cstdint>

#if !defined(__CUDACC__)
#include <source_location>
#endif

namespace assay::simt::inline ASSAY_BUILD {

#if defined(__CUDACC__)

SIMT_DEVICE std::uint32_t shared_address(const void* p) {
  return static_cast<std::uint32_t>(__cvta_generic_to_shared(p));
}

// Copies VALID of BYTES (4, 8 or 16; aligned to so many), and fills the rest with zero.
template <int Bytes, class T, class U>
SIMT_DEVICE void cp_async(T* to, const U* from, int valid = Bytes) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16);
  if constexpr (Bytes == 16) {  // .cg, past the L1 cache, exists for 16 bytes only
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)),
                 "l"(from), "r"(valid)
                 : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(shared_address(to)),
                 "l"(from), "n"(Bytes), "r"(valid)
                 : "memory");
  }
}
// Closes a group of the copies started since the last one.
SIMT_DEVICE void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most NEWEST of the thread's groups are under way.
template <int Newest>
SIMT_DEVICE void cp_async_wait_group() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Newest) : "memory");
}
SIMT_DEVICE void cp_async_wait_all() { asm volatile("cp.async.wait_all;" ::: "memory"); }

#else

namespace detail {
void start_async_copy(shared<std::byte> to, global<const std::byte> from, int bytes, int valid,
                      std::source_location where);
void wait_for_async_groups(int newest);
}  // namespace detail

template <int Bytes, class To, class From>
void cp_async(To to, From from, int valid = Bytes,
              std::source_location where = std::source_location::current()) {
  static_assert(Bytes == 4 || Bytes == 8 || Bytes == 16);
  detail::start_async_copy(view<std::byte>(to), view<std::byte>(from), Bytes, valid, where);
}
void cp_async_commit();
template <int Newest>
void cp_async_wait_group() {
  static_assert(Newest >= 0);
  detail::wait_for_async_groups(Newest);
}
void cp_async_wait_all();

#endif

}  // namespace assay::simt::inline ASSAY_BUILD
