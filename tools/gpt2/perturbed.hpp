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

// Off as if rounded to a format of `digits` bits and that least exponent.
inline double perturbed_to(double x, int digits, int least_exponent) {
  if (x == 0 || !std::isfinite(x)) return x;
  const int exponent = std::max(std::ilogb(x), least_exponent);
  const double place = std::ldexp(1.0, exponent - digits + 1);
  const double places = x / place;
  return places == std::floor(places) ? x : x + place * perturbation::draw();
}

class perturbed {
 public:
  perturbed() = default;
  perturbed(double value) : value_(value) {}  // NOLINT(google-explicit-constructor): a scalar
  explicit operator double() const { return value_; }

  // As fp32 would hold it.
  static perturbed rounded(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const auto exponent = std::int64_t(bits >> 52 & 0x7ff);
    constexpr std::uint64_t k_below_fp32 = (std::uint64_t(1) << 29) - 1;
    if ((bits & k_below_fp32) == 0 || exponent == 0x7ff) return x;
    constexpr std::int64_t k_least = 1023 - 126;
    const std::int64_t place = (exponent < k_least ? k_least : exponent) - 23;
    return x + std::bit_cast<double>(std::uint64_t(place) << 52) * perturbation::draw();
  }

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
