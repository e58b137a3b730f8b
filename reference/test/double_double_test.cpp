// Double-double against R1: the stated error of every operation, on operands made to be awkward.

#include "reference/double_double.hpp"

#include "reference/real50.hpp"
#include "reference/round.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace assay::reference {
namespace {

using test::generator;

real50 wide(const double_double& x) { return real50(x.hi) + real50(x.lo); }

// Significands of few bits or of many, lo far below hi or as large as it may be.
double_double awkward(generator& random) {
  const double hi = random.with_exponent(-40, 40);
  double lo = half_ulp(k_fp64, hi) * random.uniform(-1, 1);
  switch (random.below(4)) {
    case 0:
      lo *= power_of_two(-int(random.below(40)));
      break;
    case 1:
      lo = half_ulp(k_fp64, hi) * (1 - 0x1p-53) * ((random.bits() & 1) != 0 ? 1 : -1);
      break;
    default:
      break;
  }
  return add_exact(hi, lo);
}

// Largest |computed - exact| / |exact| over operands, some nearly equal in size.
double largest_error(const std::function<double_double(double_double, double_double)>& computed,
                     const std::function<real50(real50, real50)>& exact) {
  generator random(11);
  real50 largest = 0;
  for (int i = 0; i < 50000; ++i) {
    const double_double x = awkward(random);
    double_double y = awkward(random);
    if ((i & 3) == 0) y = add_exact(-x.hi * (1 + 0x1p-50), y.lo * power_of_two(-52));
    const real50 truth = exact(wide(x), wide(y));
    if (truth == 0) continue;
    largest = std::max(largest, real50(abs(real50((wide(computed(x, y)) - truth) / truth))));
  }
  return static_cast<double>(largest);
}

TEST(double_double, addition_keeps_its_bound) {
  const double error = largest_error([](auto x, auto y) { return x + y; },
                                     [](auto x, auto y) { return real50(x + y); });
  EXPECT_LE(error, double_double::k_add_error);
  EXPECT_GT(error, 0x1p-108) << "operands too easy to try the bound";
}

TEST(double_double, subtraction_keeps_its_bound) {
  EXPECT_LE(largest_error([](auto x, auto y) { return x - y; },
                          [](auto x, auto y) { return real50(x - y); }),
            double_double::k_add_error);
}

TEST(double_double, multiplication_keeps_its_bound) {
  const double error = largest_error([](auto x, auto y) { return x * y; },
                                     [](auto x, auto y) { return real50(x * y); });
  EXPECT_LE(error, double_double::k_multiply_error);
  EXPECT_GT(error, 0x1p-106) << "operands too easy to try the bound";
}

TEST(double_double, division_keeps_its_bound) {
  const double error = largest_error([](auto x, auto y) { return x / y; },
                                     [](auto x, auto y) { return real50(x / y); });
  EXPECT_LE(error, double_double::k_divide_error);
  EXPECT_GT(error, 0x1p-105) << "operands too easy to try the bound";
}

TEST(double_double, square_root_keeps_its_bound) {
  generator random(12);
  real50 largest = 0;
  for (int i = 0; i < 20000; ++i) {
    double_double x = awkward(random);
    if (x < double_double(0)) x = -x;
    const real50 truth = special<real50>::sqrt(wide(x));
    largest = std::max(largest, real50(abs(real50((wide(sqrt(x)) - truth) / truth))));
  }
  EXPECT_LE(static_cast<double>(largest), double_double::k_sqrt_error);
  EXPECT_GT(static_cast<double>(largest), 0x1p-107) << "operands too easy to try the bound";
  EXPECT_EQ(sqrt(double_double(0)), double_double(0));
}

TEST(double_double, results_are_normalized) {
  generator random(13);
  for (int i = 0; i < 20000; ++i) {
    const double_double x = awkward(random);
    const double_double y = awkward(random);
    for (const double_double& z : {x + y, x - y, x * y, x / y}) ASSERT_EQ(z.hi + z.lo, z.hi);
  }
}

TEST(double_double, comparison_is_that_of_the_numbers) {
  generator random(14);
  for (int i = 0; i < 20000; ++i) {
    const double_double x = awkward(random);
    const double_double y = add_exact(x.hi, awkward(random).lo * 0x1p-20);
    ASSERT_EQ(x < y, wide(x) < wide(y));
    ASSERT_EQ(x == y, wide(x) == wide(y));
    ASSERT_EQ(x > y, wide(x) > wide(y));
  }
  EXPECT_EQ(double_double(0.0), double_double(-0.0));
  EXPECT_FALSE(double_double(k_nan) == double_double(k_nan));
}

TEST(double_double, exact_constructors_are_exact) {
  generator random(15);
  for (int i = 0; i < 20000; ++i) {
    const double a = random.with_exponent(-40, 40);
    const double b = random.with_exponent(-40, 40);
    ASSERT_EQ(wide(add_exact(a, b)), real50(a) + real50(b));
    ASSERT_EQ(wide(multiply_exact(a, b)), real50(a) * real50(b));
  }
}

TEST(double_double, rounds_to_formats_as_the_sum_of_its_halves) {
  generator random(16);
  for (const format& f : {k_fp32, k_bf16, k_fp16, k_fp64}) {
    for (int i = 0; i < 20000; ++i) {
      double_double x = awkward(random);
      if (f.precision < 53 && (i & 1) != 0) {  // a midpoint of f, and next to nothing
        const double y = round(f, x.hi);
        if (std::abs(y) < max_finite(f)) x = add_exact((y + next_up(f, y)) / 2, x.lo * 0x1p-40);
      }
      ASSERT_TRUE(same(round(f, x), round(f, wide(x)))) << x.hi << " + " << x.lo;
    }
  }
}

}  // namespace
}  // namespace assay::reference
