// cp.async, ldmatrix and mma.sync.
#include "optimized/simt/test/kernel_test.cuh"

#include <cmath>
#include <cstdint>
#include <random>

namespace assay::simt::inline ASSAY_BUILD::test {

// ---- ldmatrix

// Row i of matrix m is at 64 m + 8 i of TILE; lane l's register r goes to y[32 r + l].
template <int Matrices, bool IsTransposed>
__global__ void load_matrices_of(global<std::uint32_t> y) {
  __shared__ array<std::uint16_t, 64 * Matrices> tile;
  const int lane = static_cast<int>(threadIdx.x);
  for (int i = lane; i < 64 * Matrices; i += 32) tile[i] = static_cast<std::uint16_t>(i);
  __syncwarp();
  const auto row = &tile[8 * (lane % (8 * Matrices))];
  fragment<Matrices> f;
  if constexpr (IsTransposed) {
    f = ldmatrix_trans<Matrices>(row);
  } else {
    f = ldmatrix<Matrices>(row);
  }
  for (int r = 0; r < Matrices; ++r) y[32 * r + lane] = f.x[r];
}

namespace {

template <int Matrices>
void expect_matrices() {
  for (const bool transposed : {false, true}) {
    buffer<std::uint32_t> y(this_device(), 32 * Matrices, "y");
    run_clean([&](stream& turn) {
      launch(transposed ? load_matrices_of<Matrices, true> : load_matrices_of<Matrices, false>,
             dim3(1), dim3(32), 0, turn, bind(y));
    });
    const auto got = y.to_vector();
    for (unsigned m = 0; m < Matrices; ++m) {
      for (unsigned lane = 0; lane < 32; ++lane) {
        // PTX, ldmatrix: lane l gets two neighbours of row l / 4; transposed, of column l / 4.
        const unsigned i = lane / 4, j = 2 * (lane % 4);
        const unsigned low = 64 * m + (transposed ? 8 * j + i : 8 * i + j);
        const unsigned high = low + (transposed ? 8 : 1);
        ASSERT_EQ(got[32 * m + lane], low | high << 16) << m << " " << lane;
      }
    }
  }
}

}  // namespace

KERNEL_TEST(ldmatrix, spreads_one_matrix_over_the_lanes) { expect_matrices<1>(); }
KERNEL_TEST(ldmatrix, spreads_two_matrices_over_the_lanes) { expect_matrices<2>(); }
KERNEL_TEST(ldmatrix, spreads_four_matrices_over_the_lanes) { expect_matrices<4>(); }

// Row 3 of the matrix begins SHIFT elements from where it should.
template <int Shift>
__global__ void load_a_shifted_row(global<std::uint32_t> y) {
  __shared__ array<std::uint16_t, 64> tile;
  const int lane = static_cast<int>(threadIdx.x);
  for (int i = lane; i < 64; i += 32) tile[i] = static_cast<std::uint16_t>(i);
  __syncwarp();
  const int shift = Shift * (lane == 3);
  const auto f = ldmatrix<1>(&tile[8 * (lane % 8) + shift]);  // line: ldmatrix
  y[lane] = f.x[0];
}

KERNEL_TEST(memcheck, sees_a_row_of_ldmatrix_that_is_misaligned_or_out_of_bounds) {
  buffer<std::uint32_t> y(this_device(), 32, "y");
  run_clean(one_warp(load_a_shifted_row<0>, bind(y)));
  run_clean(one_warp(load_a_shifted_row<8>, bind(y)));
  EXPECT_EQ(y.to_vector()[12], 32u | 33u << 16);
  run_broken(one_warp(load_a_shifted_row<4>, bind(y)),
             {.kind = tool::memcheck,
              .line = "ldmatrix",
              .message = "read of 16 bytes at offset 56 of the shared array",
              .thread = coordinates{3, 0, 0}});
  run_broken(one_warp(load_a_shifted_row<40>, bind(y)),
             {.kind = tool::memcheck,
              .line = "ldmatrix",
              .message = "read of 16 bytes at offset 128 of the shared array",
              .thread = coordinates{3, 0, 0}});
}

// ---- mma.sync

// D = A B + C, all by rows: A [16 x 16], B [16 x 8], C and D [16 x 8]. The fragments are filled by
// PTX's formulas, not by ldmatrix.
template <class Half>
__global__ void multiply(global<const Half> a, global<const Half> b, global<const float> c,
                         global<float> d) {
  const int lane = static_cast<int>(threadIdx.x), group = lane / 4, t = lane % 4;
  const auto two = [](Half low, Half high) {
    return std::uint32_t{bits_of_half<Half>(low)} | std::uint32_t{bits_of_half<Half>(high)} << 16;
  };
  fragment<4> fa;
  fragment<2> fb;
  accumulator sum;
  for (int r = 0; r < 4; ++r) {
    const int row = group + 8 * (r % 2), column = 2 * t + 8 * (r / 2);
    fa.x[r] = two(a[16 * row + column], a[16 * row + column + 1]);
  }
  for (int r = 0; r < 2; ++r) {
    const int row = 2 * t + 8 * r;
    fb.x[r] = two(b[8 * row + group], b[8 * (row + 1) + group]);
  }
  for (int e = 0; e < 4; ++e) sum.x[e] = c[8 * (group + 8 * (e / 2)) + 2 * t + e % 2];
  mma_m16n8k16<Half>(sum, fa, fb);
  for (int e = 0; e < 4; ++e) d[8 * (group + 8 * (e / 2)) + 2 * t + e % 2] = sum.x[e];
}

namespace {

template <class Half>
std::vector<float> product(const std::vector<float>& a, const std::vector<float>& b,
                           const std::vector<float>& c) {
  const auto narrowed = [](const std::vector<float>& values) {
    std::vector<Half> halves;
    for (const float v : values) halves.push_back(from_float<Half>(v));
    return halves;
  };
  auto da = on_device(narrowed(a), "a"), db = on_device(narrowed(b), "b");
  auto dc = on_device(c, "c");
  buffer<float> d(this_device(), 128, "d");
  run_clean([&](stream& turn) {
    launch(multiply<Half>, dim3(1), dim3(32), 0, turn, bind(std::as_const(da)),
           bind(std::as_const(db)), bind(std::as_const(dc)), bind(d));
  });
  return d.to_vector();
}

// N integers from -8 to 8, times SCALE.
std::vector<float> integers(std::size_t n, unsigned seed, float scale) {
  std::mt19937 random(seed);
  std::vector<float> values(n);
  for (float& v : values) v = scale * (static_cast<float>(random() % 17) - 8);
  return values;
}

template <class Half>
void expect_exact_integers() {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto a = integers(256, 3 * seed, 1), b = integers(128, 3 * seed + 1, 0.25f),
               c = integers(128, 3 * seed + 2, 100);
    const auto d = product<Half>(a, b, c);
    for (std::size_t m = 0; m < 16; ++m) {
      for (std::size_t n = 0; n < 8; ++n) {
        double sum = c[8 * m + n];
        for (std::size_t k = 0; k < 16; ++k) sum += double{a[16 * m + k]} * double{b[8 * k + n]};
        ASSERT_EQ(d[8 * m + n], sum) << m << " " << n;
      }
    }
  }
}

#if !defined(__CUDACC__)
// What the emulator promises of sums that are not exact: one rounding a product, k ascending.
template <class Half>
void expect_ascending_fma() {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  const auto values = [&](std::size_t n) {
    std::vector<float> all(n);
    for (float& v : all) v = to_float(from_float<Half>(normal(random)));
    return all;
  };
  const auto a = values(256), b = values(128), c = values(128);
  const auto d = product<Half>(a, b, c);
  for (std::size_t m = 0; m < 16; ++m) {
    for (std::size_t n = 0; n < 8; ++n) {
      float sum = c[8 * m + n];
      for (std::size_t k = 0; k < 16; ++k) sum = std::fma(a[16 * m + k], b[8 * k + n], sum);
      ASSERT_EQ(d[8 * m + n], sum) << m << " " << n;
    }
  }
}
#endif

}  // namespace

KERNEL_TEST(mma, of_bf16_integers_is_exact) { expect_exact_integers<bf16>(); }
KERNEL_TEST(mma, of_fp16_integers_is_exact) { expect_exact_integers<fp16>(); }
#if !defined(__CUDACC__)
KERNEL_TEST(mma, of_bf16_rounds_once_a_product) { expect_ascending_fma<bf16>(); }
KERNEL_TEST(mma, of_fp16_rounds_once_a_product) { expect_ascending_fma<fp16>(); }
#endif

KERNEL_TEST(mma, carries_nan_and_infinity) {
  std::vector<float> a(256, 1), b(128, 1), c(128, 0);
  a[16 * 3 + 5] = INFINITY;
  a[16 * 9 + 1] = NAN;
  const auto d = product<bf16>(a, b, c);
  for (std::size_t n = 0; n < 8; ++n) {
    EXPECT_EQ(d[8 * 3 + n], INFINITY);
    EXPECT_TRUE(std::isnan(d[8 * 9 + n]));
    EXPECT_EQ(d[n], 16);
  }
}

// ---- cp.async

template <int Bytes>
__global__ void copy_pieces(global<const std::uint32_t> x, global<std::uint32_t> y, int valid) {
  __shared__ array<std::uint32_t, 128> tile;
  const int first = static_cast<int>(threadIdx.x) * (Bytes / 4);
  cp_async<Bytes>(&tile[first], &x[first], valid);
  cp_async_wait_all();
  for (int i = 0; i < Bytes / 4; ++i) y[first + i] = tile[first + i];
}

KERNEL_TEST(cp_async, copies_4_8_or_16_bytes_and_fills_up_with_zero) {
  auto x = on_device(std::vector<std::uint32_t>(128, 0x01020304u), "x");
  const auto expect = [&](auto kernel, int bytes, int valid) {
    buffer<std::uint32_t> y(this_device(), 128, "y");
    run_clean([&](stream& turn) {
      launch(kernel, dim3(1), dim3(32), 0, turn, bind(std::as_const(x)), bind(y), valid);
    });
    const auto got = y.to_vector();
    for (int i = 0; i < 8 * bytes; ++i) {
      const int left = std::min(4, std::max(0, valid - 4 * (i % (bytes / 4))));  // little-endian
      const auto mask = static_cast<std::uint32_t>((std::uint64_t{1} << 8 * left) - 1);
      ASSERT_EQ(got[static_cast<std::size_t>(i)], 0x01020304u & mask)
          << bytes << " " << valid << " " << i;
    }
  };
  for (int valid = 0; valid <= 16; ++valid) {
    if (valid <= 4) expect(copy_pieces<4>, 4, valid);
    if (valid <= 8) expect(copy_pieces<8>, 8, valid);
    expect(copy_pieces<16>, 16, valid);
  }
}

#if !defined(__CUDACC__) && !defined(ASSAY_SANITIZED)
// A copy lands at the wait that covers it, and no earlier: what a GPU may do in the worst case.
__global__ void look_before_the_wait(global<const int> x, global<int> y) {
  __shared__ array<int, 2> tile;
  tile[0] = tile[1] = -5;
  cp_async<4>(&tile[0], &x[0]);
  cp_async_commit();
  cp_async<4>(&tile[1], &x[1]);
  cp_async_commit();
  y[0] = tile[0];
  cp_async_wait_group<1>();  // the older
  y[1] = tile[0];
  y[2] = tile[1];
  cp_async_wait_group<0>();
  y[3] = tile[1];
}

KERNEL_TEST(cp_async, lands_as_late_as_it_may) {
  auto x = on_device(std::vector<int>{8, 9}, "x");
  buffer<int> y(this_device(), 4, "y");
  run_clean([&](stream& turn) {
    launch(look_before_the_wait, dim3(1), dim3(1), 0, turn, bind(std::as_const(x)), bind(y));
  });
  EXPECT_EQ(y.to_vector(), (std::vector<int>{-5, 8, -5, 9}));
}
#endif

}  // namespace assay::simt::inline ASSAY_BUILD::test
