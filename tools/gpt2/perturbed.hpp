// A scalar for the reference's templates whose every operation is off as if it had been rounded to
// fp32, at random: Monte-Carlo arithmetic (Parker, "Monte Carlo arithmetic", UCLA CSD-970002, 1997,
// section 3.2). Runs that differ in nothing but this say how results scatter that were computed in
// fp32 in any order.
//
// A result that fp32 does not hold moves by a uniform share of its last place, from -1/2 to 1/2:
// rounding to nearest has errors of that size (Higham, Accuracy and Stability, section 2.8), and is
// exact where they are.
#pragma once

#include "reference/special.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <compare>
#include <cstdint>

namespace assay::gpt2 {

// Uniform in [-1/2, 1/2), one stream a thread (splitmix64: Steele, Lea, Flood, OOPSLA 2014).
class perturbation {
 public:
  static void seed(std::uint64_t value) { state() = value; }
  static double draw() {
    std::uint64_t z = (state() += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return double(std::int64_t(z ^ (z >> 31))) * 0x1p-64;
  }

 private:
  static std::uint64_t& state() {
    thread_local std::uint64_t value = 0;
    return value;
  }
};

// Off as if rounded to a format of `digits` bits and that least exponent. By bits: ilogb and ldexp
// take most of a run's time.
inline double perturbed_to(double x, int digits, int least_exponent) {
  constexpr int k_bias = 1023, k_bits = 52, k_not_finite = 0x7ff;
  const int biased = int(std::bit_cast<std::uint64_t>(x) >> k_bits & k_not_finite);
  if (biased == k_not_finite) return x;
  const int last = std::max(biased, least_exponent + k_bias) - (digits - 1);
  const double place = std::bit_cast<double>(std::uint64_t(last) << k_bits), places = x / place;
  return places == std::floor(places) ? x : x + place * perturbation::draw();
}

class perturbed {
 public:
  perturbed() = default;
  perturbed(double value) : value_(value) {}  // NOLINT(google-explicit-constructor): a scalar
  explicit operator double() const { return value_; }

  // As fp32 would hold it.
  static perturbed rounded(double x) { return perturbed_to(x, 24, -126); }

  friend perturbed operator+(perturbed a, perturbed b) { return rounded(a.value_ + b.value_); }
  friend perturbed operator-(perturbed a, perturbed b) { return rounded(a.value_ - b.value_); }
  friend perturbed operator*(perturbed a, perturbed b) { return rounded(a.value_ * b.value_); }
  friend perturbed operator/(perturbed a, perturbed b) { return rounded(a.value_ / b.value_); }
  perturbed operator-() const { return -value_; }
  friend auto operator<=>(const perturbed&, const perturbed&) = default;

 private:
  double value_ = 0;
};

}  // namespace assay::gpt2

namespace assay::reference {

template <>
struct real_traits<::assay::gpt2::perturbed> {
  static constexpr int k_digits = 24;
  static constexpr double k_exponent_range = real_traits<double>::k_exponent_range;
};

/// The C library's, each off as if rounded once.
template <>
struct special<::assay::gpt2::perturbed> {
  using R = ::assay::gpt2::perturbed;
  static constexpr double k_error = 0x1p-24;
  template <double (*F)(double)>
  static R of(const R& x) {
    return R::rounded(F(static_cast<double>(x)));
  }
  static R exp(const R& x) { return of<special<double>::exp>(x); }
  static R expm1(const R& x) { return of<special<double>::expm1>(x); }
  static R log(const R& x) { return of<special<double>::log>(x); }
  static R log1p(const R& x) { return of<special<double>::log1p>(x); }
  static R sqrt(const R& x) { return of<special<double>::sqrt>(x); }
  static R tanh(const R& x) { return of<special<double>::tanh>(x); }
  static R erf(const R& x) { return of<special<double>::erf>(x); }
  static R erfc(const R& x) { return of<special<double>::erfc>(x); }
  static R sin(const R& x) { return of<special<double>::sin>(x); }
  static R cos(const R& x) { return of<special<double>::cos>(x); }
  static R pi() { return special<double>::pi(); }
};

}  // namespace assay::reference
