// bf16 and fp16: every pattern, every tie between neighbours and what lies just beside it.
#include "optimized/simt/test/kernel_test.cuh"

#include <cmath>
#include <cstdint>
#include <limits>

namespace assay::simt::inline ASSAY_BUILD::test {

template <class Half>
__global__ void widen_all(global<float> y) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = to_float(half_of<Half>(static_cast<std::uint16_t>(i)));
}

template <class Half>
__global__ void narrow(global<const float> x, global<std::uint16_t> one,
                       global<std::uint32_t> packed, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i >= n) return;
  const float v = x[i], mirrored = x[n - 1 - i];
  one[i] = bits_of_half(from_float<Half>(v));
  packed[i] = pack<Half>(v, mirrored);
}

template <class Half>
__global__ void unpack_all(global<float2> y) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = unpack<Half>(i << 16 | (i ^ 0xffffu));
}

namespace {

struct format {
  int exponent_bits, fraction_bits;
};
template <class Half>
constexpr format k_format = std::is_same_v<Half, bf16> ? format{8, 7} : format{5, 10};

// From the definition of the format: sign, exponent, fraction.
double value_of(format f, unsigned pattern) {
  const int bias = (1 << (f.exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>(pattern >> f.fraction_bits) & ((1 << f.exponent_bits) - 1);
  const int fraction = static_cast<int>(pattern) & ((1 << f.fraction_bits) - 1);
  const double sign = (pattern & 0x8000u) != 0 ? -1 : 1;
  if (exponent == (1 << f.exponent_bits) - 1) {
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - f.fraction_bits);
  return sign * std::ldexp((1 << f.fraction_bits) + fraction, exponent - bias - f.fraction_bits);
}

unsigned infinity_of(format f) { return ((1u << f.exponent_bits) - 1) << f.fraction_bits; }

struct rounding_case {
  float x;
  std::uint16_t expected;
};

// Between each two neighbours of either sign: the tie, and its neighbours in fp32; and the values
// themselves. What lies beyond the largest finite number is where infinity would be, were it a
// number.
template <class Half>
std::vector<rounding_case> rounding_cases() {
  const format f = k_format<Half>;
  const double first_beyond = std::ldexp(1.0, 1 << (f.exponent_bits - 1));
  std::vector<rounding_case> cases;
  for (unsigned p = 0; p < infinity_of(f); ++p) {
    const double low = value_of(f, p);
    const double high = p + 1 == infinity_of(f) ? first_beyond : value_of(f, p + 1);
    const auto tie = static_cast<float>((low + high) / 2);
    EXPECT_EQ(static_cast<double>(tie), (low + high) / 2);
    const unsigned even = p % 2 == 0 ? p : p + 1;
    for (const unsigned sign : {0u, 0x8000u}) {
      const auto add = [&](float x, unsigned to) {
        cases.push_back({sign != 0 ? -x : x, static_cast<std::uint16_t>(sign | to)});
      };
      add(static_cast<float>(low), p);
      add(std::nextafterf(tie, 0), p);
      add(tie, even);
      add(std::nextafterf(tie, std::numeric_limits<float>::infinity()), p + 1);
    }
  }
  const float infinity = std::numeric_limits<float>::infinity();
  const float largest = std::numeric_limits<float>::max();
  const auto inf = static_cast<std::uint16_t>(infinity_of(f));
  for (const float x : {infinity, largest}) {
    cases.push_back({x, inf});
    cases.push_back({-x, static_cast<std::uint16_t>(inf | 0x8000u)});
  }
  return cases;
}

template <class Half>
void expect_rounding() {
  const auto cases = rounding_cases<Half>();
  const int n = static_cast<int>(cases.size());
  std::vector<float> values;
  values.reserve(cases.size());
  for (const rounding_case& c : cases) values.push_back(c.x);
  auto x = on_device(values, "x");
  buffer<std::uint16_t> one(this_device(), cases.size(), "one");
  buffer<std::uint32_t> packed(this_device(), cases.size(), "packed");
  run_clean([&](stream& turn) {
    launch(narrow<Half>, dim3(static_cast<unsigned>(n + 255) / 256), dim3(256), 0, turn,
           bind(std::as_const(x)), bind(one), bind(packed), n);
  });
  const auto got = one.to_vector();
  const auto got_packed = packed.to_vector();
  for (std::size_t i = 0; i < cases.size(); ++i) {
    ASSERT_EQ(got[i], cases[i].expected) << std::hexfloat << cases[i].x;
    ASSERT_EQ(got_packed[i],
              cases[i].expected | std::uint32_t{cases[cases.size() - 1 - i].expected} << 16);
  }
}

template <class Half>
void expect_widening() {
  buffer<float> y(this_device(), 65536, "y");
  buffer<float2> pairs(this_device(), 65536, "pairs");
  run_clean([&](stream& turn) {
    launch(widen_all<Half>, dim3(256), dim3(256), 0, turn, bind(y));
    launch(unpack_all<Half>, dim3(256), dim3(256), 0, turn, bind(pairs));
  });
  const auto got = y.to_vector();
  const auto got_pairs = pairs.to_vector();
  const auto same = [](float a, double b) {
    return std::isnan(b) ? std::isnan(a) : a == b && std::signbit(a) == std::signbit(b);
  };
  for (unsigned p = 0; p < 65536; ++p) {
    ASSERT_TRUE(same(got[p], value_of(k_format<Half>, p))) << p;
    ASSERT_TRUE(same(got_pairs[p].y, value_of(k_format<Half>, p))) << p;
    ASSERT_TRUE(same(got_pairs[p].x, value_of(k_format<Half>, p ^ 0xffffu))) << p;
  }
}

}  // namespace

KERNEL_TEST(half, every_bf16_is_a_float) { expect_widening<bf16>(); }
KERNEL_TEST(half, every_fp16_is_a_float) { expect_widening<fp16>(); }
KERNEL_TEST(half, floats_round_to_the_nearest_bf16_and_ties_to_even) { expect_rounding<bf16>(); }
KERNEL_TEST(half, floats_round_to_the_nearest_fp16_and_ties_to_even) { expect_rounding<fp16>(); }

KERNEL_TEST(half, every_nan_becomes_the_canonical_one) {
  std::vector<float> nans;
  for (const std::uint32_t bits :
       {0x7fc00000u, 0xffc00000u, 0x7f800001u, 0xffffffffu, 0x7fffffffu}) {
    nans.push_back(float_of(bits));
  }
  auto x = on_device(nans, "x");
  buffer<std::uint16_t> one(this_device(), nans.size(), "one");
  buffer<std::uint32_t> packed(this_device(), nans.size(), "packed");
  const int n = static_cast<int>(nans.size());
  for (const auto kernel : {narrow<bf16>, narrow<fp16>}) {
    run_clean([&](stream& turn) {
      launch(kernel, dim3(1), dim3(32), 0, turn, bind(std::as_const(x)), bind(one), bind(packed),
             n);
    });
    EXPECT_EQ(one.to_vector(), std::vector<std::uint16_t>(nans.size(), 0x7fff));
    EXPECT_EQ(packed.to_vector(), std::vector<std::uint32_t>(nans.size(), 0x7fff7fffu));
  }
}

__global__ void extremes(global<const float> x, global<float4> y) {
  const float a = x[threadIdx.x], b = x[threadIdx.y];
  y[threadIdx.y * blockDim.x + threadIdx.x] =
      float4{simt::min(a, b), simt::max(a, b), min_nan(a, b), max_nan(a, b)};
}

// PTX: min, max, min.NaN, max.NaN. -0 is less than +0.
KERNEL_TEST(half, minimum_and_maximum_are_those_of_ptx) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> values{-INFINITY, -1, -0.0f,    0.0f,
                                  1e-45f,    2,  INFINITY, nan};  // ascending
  auto x = on_device(values, "x");
  const auto n = static_cast<unsigned>(values.size());
  buffer<float4> y(this_device(), std::size_t{n} * n, "y");
  run_clean([&](stream& turn) {
    launch(extremes, dim3(1), dim3(n, n), 0, turn, bind(std::as_const(x)), bind(y));
  });
  const auto got = y.to_vector();
  const auto same = [](float a, float b) {
    return std::isnan(b) ? std::isnan(a) : a == b && std::signbit(a) == std::signbit(b);
  };
  for (unsigned i = 0; i < n; ++i) {
    for (unsigned j = 0; j < n; ++j) {
      const float low = values[std::min(i, j)], high = values[std::max(i, j)];
      const float4 r = got[j * n + i];
      EXPECT_TRUE(same(r.x, low)) << i << " " << j;
      EXPECT_TRUE(same(r.y, std::isnan(high) ? low : high)) << i << " " << j;
      EXPECT_TRUE(same(r.z, std::isnan(high) ? nan : low)) << i << " " << j;
      EXPECT_TRUE(same(r.w, high)) << i << " " << j;
    }
  }
}

}  // namespace assay::simt::inline ASSAY_BUILD::test
