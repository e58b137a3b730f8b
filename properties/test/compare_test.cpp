// The comparison of one tensor: what passes, what must not, and what it says of where.

#include "properties/compare.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

namespace assay::properties {
namespace {

constexpr double k_inf = std::numeric_limits<double>::infinity();
constexpr double k_nan = std::numeric_limits<double>::quiet_NaN();
constexpr dtype k_types[] = {dtype::fp32, dtype::bf16, dtype::fp16};

bound_of constant_bound(double limit, bool before_rounding = false) {
  return [=](std::size_t, const element_truth&) {
    return judged_bound{{limit, before_rounding}, true};
  };
}

verdict compared(double got, double expected, double limit, comparison_policy policy = {},
                 dtype type = dtype::fp32, bool before_rounding = false) {
  return compare(type, std::vector{got}, {{expected}, {}, {}},
                 constant_bound(limit, before_rounding), policy);
}

// !(error <= bound): every comparison that a NaN could slip through must fail on one.
TEST(compare, fails_a_NaN_whatever_the_bound) {
  for (dtype type : k_types)
    for (bool before : {false, true})
      for (double limit : {0.0, 1e-3, 1e300, k_inf, k_nan})
        for (double expected : {0.0, -0.0, 1.0, 1e-45, k_inf, -k_inf}) {
          const comparison_policy lenient{.zero_sign = false};
          EXPECT_FALSE(compared(k_nan, expected, limit, {}, type, before).passed());
          EXPECT_FALSE(compared(k_nan, expected, limit, lenient, type, before).passed());
        }
}

TEST(compare, fails_a_number_where_the_truth_is_none) {
  for (bool before : {false, true})
    for (double got : {0.0, 1.0, k_inf, -k_inf})
      EXPECT_FALSE(compared(got, k_nan, 1e300, {}, dtype::fp32, before).passed()) << got;
  EXPECT_TRUE(compared(k_nan, k_nan, 0).passed());
  EXPECT_TRUE(compared(k_nan, -k_nan, 0, {}, dtype::bf16, true).passed());
}

TEST(compare, fails_a_bound_that_is_no_number) {
  EXPECT_FALSE(compared(1, 1, k_nan).passed());
  EXPECT_FALSE(compared(1, 2, k_nan).passed());
}

TEST(compare, refuses_an_output_of_another_size_than_the_truth) {
  const truth two{{1, 2}, {}, {}};
  for (const std::vector<double>& got : {std::vector<double>{}, {1.0}, {1.0, 2.0, 3.0}})
    EXPECT_THROW(compare(dtype::fp32, got, two, constant_bound(0), {}), std::invalid_argument);
}

TEST(compare, takes_infinities_exactly) {
  for (bool before : {false, true}) {
    EXPECT_TRUE(compared(k_inf, k_inf, 0, {}, dtype::fp32, before).passed());
    EXPECT_TRUE(compared(-k_inf, -k_inf, 0, {}, dtype::fp32, before).passed());
    for (double got : {-k_inf, 3.4e38, 0.0})
      EXPECT_FALSE(compared(got, k_inf, 1e300, {}, dtype::fp32, before).passed()) << got;
    EXPECT_FALSE(compared(k_inf, 1, 1e30, {}, dtype::fp32, before).passed());
  }
  // A finite truth beyond the largest fp16 rounds to infinity, and 65504 is then wrong.
  EXPECT_TRUE(compared(k_inf, 65520, 0, {}, dtype::fp16, true).passed());
  EXPECT_FALSE(compared(65504, 65520.1, 0, {}, dtype::fp16, true).passed());
  EXPECT_FALSE(compared(k_inf, 65519.9, 0, {}, dtype::fp16, true).passed());
}

TEST(compare, checks_the_sign_of_zero_where_it_is_promised) {
  EXPECT_TRUE(compared(0.0, 0.0, 0).passed());
  EXPECT_TRUE(compared(-0.0, -0.0, 0).passed());
  EXPECT_FALSE(compared(0.0, -0.0, 1).passed());
  EXPECT_FALSE(compared(-0.0, 0.0, 1).passed());
  EXPECT_FALSE(compared(0.0, -1e-50, 1).passed());  // an underflow keeps its sign, too
  EXPECT_TRUE(compared(0.0, -0.0, 0, {.zero_sign = false}).passed());
}

TEST(compare, counts_ulps_of_the_output) {
  const auto ulps = [](double got, double truth, dtype type) {
    return compared(got, truth, 1e300, {}, type).worst_ulps;
  };
  EXPECT_EQ(ulps(1 + 0x1p-23, 1, dtype::fp32), 1);
  EXPECT_EQ(ulps(3, 3, dtype::fp32), 0);
  EXPECT_EQ(ulps(1, 1 + 0x1p-25, dtype::fp32), 0.25);
  EXPECT_EQ(ulps(2, 1 + 0x1p-1, dtype::bf16), 64);      // ulp(1.5) = 2^-7
  EXPECT_EQ(ulps(0x1p-24, 0x3p-25, dtype::fp16), 0.5);  // subnormal: ulp is 2^-24
  EXPECT_EQ(ulps(0, 0x1p-150, dtype::fp32), 0.5);
  EXPECT_EQ(ulps(k_inf, 65520, dtype::fp16), 0);           // an overflow that must be
  EXPECT_EQ(ulps(k_inf, 1, dtype::fp16), 65535 * 0x1p10);  // infinity counts as 65536
}

TEST(compare, allows_the_bound_and_not_the_next_number) {
  EXPECT_TRUE(compared(1.5, 1, 0.5).passed());
  EXPECT_FALSE(compared(1.5, 1, std::nextafter(0.5, 0)).passed());
  EXPECT_EQ(compared(1.25, 1, 0.5).worst_fraction, 0.5);
  EXPECT_EQ(compared(1.5, 1, 0).worst_fraction, k_inf);
  EXPECT_EQ(compared(1, 1, 0).worst_fraction, 0);
  EXPECT_FALSE(compared(1, 1, k_inf).passed()) << "an infinite bound promises nothing";
  EXPECT_NE(compared(1, 1, k_inf).reason.find("may overflow"), std::string::npos);
  EXPECT_EQ(compared(1, 2, 0).reason.find("may overflow"), std::string::npos);
}

TEST(compare, puts_the_error_of_the_reference_on_the_side_of_the_implementation) {
  const truth unsure{{1.0}, {0.25}, {}};
  EXPECT_TRUE(compare(dtype::fp32, std::vector{1.75}, unsure, constant_bound(0.5), {}).passed());
  EXPECT_FALSE(compare(dtype::fp32, std::vector{2.0}, unsure, constant_bound(0.5), {}).passed());
}

// Before its last rounding a result is only known to lie where it rounds to what came out.
TEST(compare, measures_before_rounding_from_the_edge_of_what_rounds_there) {
  const double half = 0x1p-8;  // half an ulp of bf16 at 1, above it
  EXPECT_EQ(compared(1, 1 + half, 1, {}, dtype::bf16, true).worst_fraction, 0);
  EXPECT_EQ(compared(1, 1 + 3 * half, 2 * half, {}, dtype::bf16, true).worst_fraction, 1);
  EXPECT_FALSE(compared(1, 1 + 3.01 * half, 2 * half, {}, dtype::bf16, true).passed());
}

TEST(compare, counts_what_is_not_correctly_rounded) {
  const truth expected{{1 + 0x1p-9, 3, 5}, {}, {1, 3, 5}};
  const std::vector<double> got = {1 + 0x1p-7, 3, 5};
  EXPECT_EQ(compare(dtype::bf16, got, expected, constant_bound(1), {}).misrounded, 1);
  EXPECT_EQ(compare(dtype::bf16, got, expected, constant_bound(1), {}).bias_ulps, 0.75 / 3);
}

TEST(compare, counts_elements_outside_a_domain_and_does_not_judge_them) {
  const bound_of inside = [](std::size_t i, const element_truth&) {
    return judged_bound{{0, false}, i == 1};
  };
  const verdict v =
      compare(dtype::fp32, std::vector{9.0, 2.0, k_nan}, {{1, 2, 3}, {}, {}}, inside, {});
  EXPECT_TRUE(v.passed());
  EXPECT_EQ(v.elements, 3);
  EXPECT_EQ(v.judged, 1);
}

TEST(compare, names_the_worst_failed_element_before_any_passed_one) {
  const truth expected{{0.0, 10, 20, 30}, {}, {}};
  const bound_of bounds = [](std::size_t i, const element_truth&) {
    return judged_bound{{i == 0 ? 0.1 : 1.0, false}, true};
  };
  const verdict v = compare(dtype::fp32, std::vector{0.09, 12.0, 25.0, 30.0}, expected, bounds,
                            {.zero_sign = false});
  EXPECT_EQ(v.failed, 2);
  EXPECT_EQ(v.worst.index, 2);
  EXPECT_EQ(v.worst.got, 25);
  EXPECT_EQ(v.worst.expected, 20);
  EXPECT_EQ(v.worst.fraction, 5);
  EXPECT_EQ(v.reason, "2 of 4 elements out of bound");
}

// ---- patterns ----

std::string pattern(const std::vector<dimension>& shape,
                    const std::function<bool(std::int64_t)>& fails) {
  std::int64_t count = 1;
  for (const dimension& d : shape) count *= d.extent;
  std::vector<double> got(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) got[std::size_t(i)] = fails(i) ? 1 : 0;
  const truth zeros{std::vector<double>(got.size()), {}, {}};
  return pattern_of(compare(dtype::fp32, got, zeros, constant_bound(0), {}), shape);
}

TEST(failure_pattern, says_where_failed_elements_stand) {
  const std::vector<dimension> line = {{"n", 1024}}, rows = {{"t", 256}, {"c", 8}},
                               cube = {{"b", 2}, {"t", 64}, {"c", 8}};
  EXPECT_EQ(pattern(line, [](auto) { return false; }), "none");
  EXPECT_EQ(pattern(line, [](auto) { return true; }), "all 1024");
  EXPECT_EQ(pattern(line, [](auto i) { return i == 17; }), "one, at n = 17");
  EXPECT_EQ(pattern(line, [](auto i) { return i >= 1021; }), "the last 3 of 1024");
  EXPECT_EQ(pattern(line, [](auto i) { return i >= 5 && i < 9; }), "4, all n from 5 to 8");
  EXPECT_EQ(pattern(line, [](auto i) { return i % 64 == 63; }), "16, all n % 64 == 63");
  EXPECT_EQ(pattern(line, [](auto i) { return i % 100 == 7; }), "11, all n % 100 == 7");
  EXPECT_EQ(pattern(line, [](auto i) { return i == 1 || i == 4 || i == 1000; }),
            "3, without a pattern");
  EXPECT_EQ(pattern(rows, [](auto i) { return i / 8 % 64 == 63; }), "4 rows, all t % 64 == 63");
  EXPECT_EQ(pattern(rows, [](auto i) { return i / 8 == 5; }), "one row, at t = 5");
  EXPECT_EQ(pattern(rows, [](auto i) { return i / 8 >= 254; }), "the last 2 of 256 rows");
  EXPECT_EQ(pattern(rows, [](auto i) { return i % 8 == 3; }), "256, all c = 3");
  EXPECT_EQ(pattern(cube, [](auto i) { return i / 512 == 1 && i % 8 == 7; }),
            "64, all b = 1, c = 7");
  EXPECT_EQ(pattern(cube, [](auto i) { return i == 512 + 8 * 3 + 2; }),
            "one, at b = 1, t = 3, c = 2");
  EXPECT_EQ(pattern({{"n", 1 << 16}}, [](auto i) { return i % 8 == 1; }),
            "8192, of the first 4096 all n % 8 == 1");
}

TEST(failure_pattern, gives_positions_by_dimension) {
  EXPECT_EQ(position_of(17, {{"n", 100}}), "17");
  EXPECT_EQ(position_of(8 * 63 + 3, {{"t", 128}, {"c", 8}}), "63, 3");
}

}  // namespace
}  // namespace assay::properties
