// Intervals enclose what a wider precision says, and are no wider than rounding makes them.

#include "reference/interval.hpp"

#include "reference/test/support.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <ios>

namespace assay::reference {
namespace {

using test::generator;
using narrow = interval<64>;
using wide = mpfr_real<600>;  // erf(16) = 1 - 2^-373 is not yet 1

// Ends around the truth, and at most `width` units of 2^-63 of its size apart.
void expect_enclosed(const narrow& y, const wide& truth, double width) {
  const wide low(y.low());
  const wide high(y.high());
  EXPECT_TRUE(low < truth && truth < high) << std::hexfloat << static_cast<double>(truth);
  EXPECT_TRUE(high - low <= magnitude(truth) * wide(width * 0x1p-63)) << static_cast<double>(truth);
}

TEST(interval, functions_of_a_number_have_it_between_neighbouring_ends) {
  using f = special<wide>;
  generator random(71);
  for (int i = 0; i < 500; ++i) {
    const double x = random.with_exponent(-20, 3);
    expect_enclosed(exp(narrow(x)), f::exp(wide(x)), 1);
    expect_enclosed(tanh(narrow(x)), f::tanh(wide(x)), 1);
    expect_enclosed(erf(narrow(x)), f::erf(wide(x)), 1);
    expect_enclosed(erfc(narrow(x)), f::erfc(wide(x)), 1);
    expect_enclosed(log1p(narrow(std::abs(x))), f::log1p(wide(std::abs(x))), 1);
    expect_enclosed(sqrt(narrow(std::abs(x))), f::sqrt(wide(std::abs(x))), 1);
  }
  expect_enclosed(narrow::pi(), special<wide>::pi(), 1);
}

TEST(interval, arithmetic_carries_the_ends_along) {
  const narrow third = narrow(1) / narrow(3);
  const wide truth = wide(1) / wide(3);
  expect_enclosed(third, truth, 1);
  expect_enclosed(third + third, truth + truth, 1);
  expect_enclosed(third - narrow(1), truth - wide(1), 1);
  expect_enclosed(third * third, truth * truth, 4);
  expect_enclosed(square(third), truth * truth, 4);
  expect_enclosed(erfc(third), special<wide>::erfc(truth), 4);
  // NOLINTNEXTLINE(misc-redundant-expression): it is not
  const narrow nothing = third - third;
  EXPECT_TRUE(nothing.low() < mpfr_real<64>(0) && mpfr_real<64>(0) < nothing.high())
      << "an interval does not know that both are the same";
}

}  // namespace
}  // namespace assay::reference
