// The tensor cores of Ampere and later: ldmatrix and mma.sync. All 32 lanes of a warp take part.
// How the fragments lie in the lanes' registers: PTX, "Matrix fragments for mma.m16n8k16 with
// floating point type"; register 0 holds two 16-bit values, the one with the lower index low.
#pragma once

#include "optimized/simt/async_copy.cuh"
#include "optimized/simt/half.cuh"
#include "optimized/simt/pointer.cuh"

#include <cstdint>
#include <type_traits>

namespace assay::simt::inline ASSAY_BUILD {

template <int Registers>
struct fragment {
  std::uint32_t x[Registers];
};
struct accumulator {
  float x[4];
};

#if defined(__CUDACC__)

// 1, 2 or 4 matrices of 8 x 8 16-bit values from shared memory. Lane 8 m + i gives the address of
// row i of matrix m, 16 bytes, aligned; register m of lane l becomes columns 2 (l % 4) and the next
// of row l / 4 of matrix m.
template <int Matrices, class T>
SIMT_DEVICE fragment<Matrices> ldmatrix(const T* row) {
  static_assert(sizeof(T) == 2 && (Matrices == 1 || Matrices == 2 || Matrices == 4));
  fragment<Matrices> f;
  const std::uint32_t address = shared_address(row);
  if constexpr (Matrices == 1) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];"
                 : "=r"(f.x[0])
                 : "r"(address)
                 : "memory");
  } else if constexpr (Matrices == 2) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0, %1}, [%2];"
                 : "=r"(f.x[0]), "=r"(f.x[1])
                 : "r"(address)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(f.x[0]), "=r"(f.x[1]), "=r"(f.x[2]), "=r"(f.x[3])
                 : "r"(address)
                 : "memory");
  }
  return f;
}

// The same with each matrix transposed.
template <int Matrices, class T>
SIMT_DEVICE fragment<Matrices> ldmatrix_trans(const T* row) {
  static_assert(sizeof(T) == 2 && (Matrices == 1 || Matrices == 2 || Matrices == 4));
  fragment<Matrices> f;
  const std::uint32_t address = shared_address(row);
  if constexpr (Matrices == 1) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];"
                 : "=r"(f.x[0])
                 : "r"(address)
                 : "memory");
  } else if constexpr (Matrices == 2) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0, %1}, [%2];"
                 : "=r"(f.x[0]), "=r"(f.x[1])
                 : "r"(address)
                 : "memory");
  } else {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(f.x[0]), "=r"(f.x[1]), "=r"(f.x[2]), "=r"(f.x[3])
                 : "r"(address)
                 : "memory");
  }
  return f;
}

// D [16 x 8] += A [16 x 16] B [16 x 8], products of bf16 or fp16 summed in fp32.
template <class Half>
SIMT_DEVICE void mma_m16n8k16(accumulator& d, const fragment<4>& a, const fragment<2>& b) {
  if constexpr (std::is_same_v<Half, bf16>) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d.x[0]), "+f"(d.x[1]), "+f"(d.x[2]), "+f"(d.x[3])
        : "r"(a.x[0]), "r"(a.x[1]), "r"(a.x[2]), "r"(a.x[3]), "r"(b.x[0]), "r"(b.x[1]));
  } else {
    static_assert(std::is_same_v<Half, fp16>, "bf16 or fp16");
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(d.x[0]), "+f"(d.x[1]), "+f"(d.x[2]), "+f"(d.x[3])
        : "r"(a.x[0]), "r"(a.x[1]), "r"(a.x[2]), "r"(a.x[3]), "r"(b.x[0]), "r"(b.x[1]));
  }
}

#else

namespace detail {
void load_matrices(bool transposed, int matrices, shared<const std::byte> row,
                   std::uint32_t* registers, std::source_location where);
void multiply_accumulate(bool is_bf16, float* d, const std::uint32_t* a, const std::uint32_t* b,
                         std::source_location where);
}  // namespace detail

template <int Matrices, class Shared>
fragment<Matrices> ldmatrix(Shared row,
                            std::source_location where = std::source_location::current()) {
  static_assert(sizeof(pointee<Shared>) == 2 && (Matrices == 1 || Matrices == 2 || Matrices == 4));
  fragment<Matrices> f;
  detail::load_matrices(false, Matrices, view<std::byte>(row), f.x, where);
  return f;
}

template <int Matrices, class Shared>
fragment<Matrices> ldmatrix_trans(Shared row,
                                  std::source_location where = std::source_location::current()) {
  static_assert(sizeof(pointee<Shared>) == 2 && (Matrices == 1 || Matrices == 2 || Matrices == 4));
  fragment<Matrices> f;
  detail::load_matrices(true, Matrices, view<std::byte>(row), f.x, where);
  return f;
}

template <class Half>
void mma_m16n8k16(accumulator& d, const fragment<4>& a, const fragment<2>& b,
                  std::source_location where = std::source_location::current()) {
  static_assert(std::is_same_v<Half, bf16> || std::is_same_v<Half, fp16>, "bf16 or fp16");
  detail::multiply_accumulate(std::is_same_v<Half, bf16>, d.x, a.x, b.x, where);
}

#endif

}  // namespace assay::simt::inline ASSAY_BUILD
