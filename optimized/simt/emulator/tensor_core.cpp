#include "optimized/simt/tensor_core.cuh"

#include "optimized/simt/emulator/scheduler.hpp"

#include <cmath>
#include <cstring>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

// ---- ldmatrix

template <int Matrices>
void load(warp& w, lane_mask) {
  matrix_scratch& m = w.matrices;
  // Row i of a matrix goes to the four lanes from 4 i on: in LOADED, it stays a row.
  auto* rows = reinterpret_cast<std::byte*>(m.loaded);
  for (unsigned i = 0; i < 8 * Matrices; ++i) std::memcpy(rows + 16 * std::size_t{i}, m.row[i], 16);
}

template <int Matrices>
void load_transposed(warp& w, lane_mask) {
  matrix_scratch& m = w.matrices;
  for (unsigned number = 0; number < Matrices; ++number) {
    std::uint16_t rows[8][8];
    for (unsigned i = 0; i < 8; ++i) std::memcpy(rows[i], m.row[8 * number + i], 16);
    for (unsigned lane = 0; lane < k_warp_lanes; ++lane) {
      const unsigned i = lane / 4, j = 2 * (lane % 4);
      m.loaded[number][lane] = rows[j][i] | std::uint32_t{rows[j + 1][i]} << 16;
    }
  }
}

collective_act act_of_load(bool transposed, int matrices) {
  switch (matrices) {
    case 1:
      return transposed ? load_transposed<1> : load<1>;
    case 2:
      return transposed ? load_transposed<2> : load<2>;
    default:
      return transposed ? load_transposed<4> : load<4>;
  }
}

// ---- mma.sync

// A row of D or B. Vectors of the compiler's, which both g++ and clang++ turn into instructions.
using row8 = float __attribute__((vector_size(32)));

row8 fma(row8 a, row8 b, row8 c) {
  for (unsigned n = 0; n < 8; ++n) c[n] = std::fma(a[n], b[n], c[n]);
  return c;
}

row8 all(float value) { return value - row8{}; }

// D [4 x 8] += A [4 x 16] B [16 x 8]. A product is exact in fp32 and is added to the sum with one
// rounding to nearest, k ascending. A tensor core adds several at once and truncates: see the
// fidelity table. Four rows at once, because each waits for its own last sum.
void multiply_rows(const float (*a)[16], const row8* b, row8* d) {
  row8 d0 = d[0], d1 = d[1], d2 = d[2], d3 = d[3];
  for (unsigned k = 0; k < 16; ++k) {
    d0 = fma(all(a[0][k]), b[k], d0);
    d1 = fma(all(a[1][k]), b[k], d1);
    d2 = fma(all(a[2][k]), b[k], d2);
    d3 = fma(all(a[3][k]), b[k], d3);
  }
  d[0] = d0, d[1] = d1, d[2] = d2, d[3] = d3;
}

template <class Half>
void multiply(warp& w, lane_mask) {
  matrix_scratch& scratch = w.matrices;
  Half packed_a[2][2][8][8];  // [k / 8][m / 8][m % 8][k % 8]
  Half packed_b[2][8][8];     // [k / 8][n][k % 8]
  std::memcpy(packed_a, scratch.a, sizeof packed_a);
  std::memcpy(packed_b, scratch.b, sizeof packed_b);
  float a[16][16];
  row8 b[16];
  for (unsigned m = 0; m < 16; ++m) {
    for (unsigned k = 0; k < 16; ++k) a[m][k] = to_float(packed_a[k / 8][m / 8][m % 8][k % 8]);
  }
  for (unsigned k = 0; k < 16; ++k) {
    for (unsigned n = 0; n < 8; ++n) b[k][n] = to_float(packed_b[k / 8][n][k % 8]);
  }
  row8 d[16];
  std::memcpy(d, scratch.d, sizeof d);
  for (unsigned m = 0; m < 16; m += 4) multiply_rows(a + m, b, d + m);
  std::memcpy(scratch.d, d, sizeof d);
}

}  // namespace

void detail::load_matrices(bool transposed, int matrices, shared<const std::byte> row,
                           std::uint32_t* registers, std::source_location where) {
  const thread& self = this_thread();
  matrix_scratch& scratch = self.home->matrices;
  // Lanes beyond the matrices' rows take part, but their addresses are not used.
  if (self.lane < 8 * matrices) {
    scratch.row[self.lane] = observe::reads_row(row, where);
  }
  meet_aligned(transposed ? collective::ldmatrix_trans : collective::ldmatrix,
               act_of_load(transposed, matrices), where);
  for (int m = 0; m < matrices; ++m) registers[m] = scratch.loaded[m][self.lane];
}

void detail::multiply_accumulate(bool is_bf16, float* d, const std::uint32_t* a,
                                 const std::uint32_t* b, std::source_location where) {
  const unsigned lane = this_thread().lane;
  matrix_scratch& scratch = this_thread().home->matrices;
  for (int r = 0; r < 4; ++r) scratch.a[r][lane] = a[r];
  for (int r = 0; r < 2; ++r) scratch.b[r][lane] = b[r];
  for (int r = 0; r < 2; ++r) std::memcpy(scratch.d[r][lane], d + 2 * r, 2 * sizeof(float));
  meet_aligned(is_bf16 ? collective::mma_bf16 : collective::mma_fp16,
               is_bf16 ? multiply<bf16> : multiply<fp16>, where);
  for (int r = 0; r < 2; ++r) std::memcpy(d + 2 * r, scratch.d[r][lane], 2 * sizeof(float));
}

}  // namespace assay::simt::inline ASSAY_BUILD
