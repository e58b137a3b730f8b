#include "reference/rope.hpp"

#include "reference/mpfr_real.hpp"

#include <cmath>

namespace assay::reference {
namespace {

using wide = mpfr_real<200>;

constexpr double k_u = k_unit_roundoff<double>;
constexpr double k_q = special<double>::k_error;
constexpr double k_products = 1 + 0x1p-20;  // of errors with errors

// Of a frequency as two doubles (2^-106, and next to nothing from MPFR), and of its product with a
// position.
constexpr double k_angle_error = 0x1p-106 + 0x1p-180 + double_double::k_multiply_error;

/// f(a + b) from f(a), and b f'(a): the functions' errors, those of product and sum, the angle's,
/// and the rest of the series, b^2 / 2.
approximation corrected(double f, double slope, double b, double angle_error) {
  const double correction = b * slope;
  const double sizes = std::abs(f) + std::abs(correction);
  return {f + correction, k_products * ((k_q + 2 * k_u) * sizes + angle_error +
                                        b * b / 2 * (std::abs(f) + std::abs(b)))};
}

approximation sum_of_products(double a, double x, double a_error, double b, double y,
                              double b_error) {
  const double left = a * x, right = b * y, sum = left + right;
  if (!is_finite(sum)) return {sum, 0};
  return {sum, k_products * (a_error * std::abs(x) + b_error * std::abs(y) +
                             2 * k_u * (std::abs(left) + std::abs(right)))};
}

}  // namespace

rope_rotations::rope_rotations(const rope& of, std::int64_t d) {
  for (std::int64_t j = 0; j < d / 2; ++j) {
    const auto w = rope_frequency<wide>(of, j, d);
    const auto high = static_cast<double>(w);
    frequencies_.emplace_back(fast_two_sum(high, static_cast<double>(wide(w - wide(high)))));
  }
}

rope_rotations::bounded rope_rotations::at(std::int64_t position, std::int64_t j) const {
  if (position == 0) return {};
  const double_double angle = frequencies_[std::size_t(j)] * double_double(double(position));
  const double sine = special<double>::sin(angle.hi), cosine = special<double>::cos(angle.hi);
  const double error = k_angle_error * std::abs(angle.hi);
  const approximation c = corrected(cosine, -sine, angle.lo, error),
                      s = corrected(sine, cosine, angle.lo, error);
  return {{c.value, s.value}, c.error, s.error};
}

pair_of<approximation> rotated_with_error(const rope_rotations::bounded& by,
                                          const pair_of<double>& x) {
  const auto& [c, s] = by.value;
  if (s == 0) return {{x.low, 0}, {x.high, 0}};
  return {sum_of_products(c, x.low, by.cosine_error, -s, x.high, by.sine_error),
          sum_of_products(c, x.high, by.cosine_error, s, x.low, by.sine_error)};
}

}  // namespace assay::reference
