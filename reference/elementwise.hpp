// A scalar function as the rest of assay sees it: how to evaluate it, quickly or to any precision,
// and from that its correctly rounded values in any format, without a line of code for each
// function.
//
// A function is a struct with one template,
//
//   struct silu_forward { template <real R> enclosure<R> operator()(const R& x) const; };
//
// (or of x and one parameter), and a line that describes it:
//
//   inline constexpr elementwise k_silu = describe<silu_forward>("silu");
//
// The template serves all tiers: double first, then MPFR at 120, 240, ... bits where double cannot
// decide. A function may also have `static enclosure<R> times(enclosure<R>, R)`, if its derivative
// is applied to a gradient otherwise than by multiplication.
#pragma once

#include "reference/enclosure.hpp"
#include "reference/mpfr_real.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

namespace assay::reference {

/// The truth about one element.
struct truth {
  double rounded;  // correctly rounded to the output format
  double value;    // unrounded, nearest double or nearly so
  double error;    // |value - truth| <= error
};

struct elementwise {
  std::string_view name;
  double parameter = 0;

  /// R0: f(x) times factor.
  enclosure<double> (*enclose)(double x, double parameter, double factor) = nullptr;

  /// R2: f(x) times factor, to as many bits as it takes to round it to f. Throws std::runtime_error
  /// if 960 bits do not suffice: then the function's description is wrong, or it has a tie which
  /// its head does not express.
  truth (*settle)(const format& f, double x, double parameter, double factor) = nullptr;

  constexpr elementwise with(double value) const {
    elementwise result = *this;
    result.parameter = value;
    return result;
  }
};

/// f(x) * factor, correctly rounded to a format of p <= 51. x, the parameter and the factor are
/// values of formats of at most 24 bits, so that their products are exact in double.
inline double correctly_rounded(const elementwise& function, const format& f, double x,
                                double factor = 1) {
  double rounded = 0;
  if (rounds_to_one(f, function.enclose(x, function.parameter, factor), rounded)) return rounded;
  return function.settle(f, x, function.parameter, factor).rounded;
}

/// f(x) * factor in double with its error, without asking for more precision.
inline approximation approximate(const elementwise& function, double x, double factor = 1) {
  return to_double(function.enclose(x, function.parameter, factor));
}

/// ULP figures are wanted to a thousandth: an error above 2^-10 ULP sends truth_of to more
/// precision.
inline constexpr double k_truth_resolution = 0x1p-10;

/// f(x) * factor, rounded and unrounded.
inline truth truth_of(const elementwise& function, const format& f, double x, double factor = 1) {
  const auto enclosed = function.enclose(x, function.parameter, factor);
  const approximation value = to_double(enclosed);
  double rounded = 0;
  if (rounds_to_one(f, enclosed, rounded) &&
      !(value.error > k_truth_resolution * ulp(f, value.value))) {
    return {rounded, value.value, value.error};
  }
  return function.settle(f, x, function.parameter, factor);
}

namespace detail {

template <class F, real R>
enclosure<R> evaluate(const R& x, const R& parameter) {
  if constexpr (requires { F{}(x); }) {
    return F{}(x);
  } else {
    return F{}(x, parameter);
  }
}

template <class F, real R>
enclosure<R> enclose_in(const R& x, const R& parameter, const R& factor) {
  if (factor == R(1)) return evaluate<F>(x, parameter);
  if constexpr (requires { F::times(evaluate<F>(x, parameter), factor); }) {
    return F::times(evaluate<F>(x, parameter), factor);
  } else {
    return evaluate<F>(x, parameter).times(factor);
  }
}

template <class F>
enclosure<double> enclose(double x, double parameter, double factor) {
  return enclose_in<F, double>(x, parameter, factor);
}

template <class F, int Bits>
bool settle_at(const format& f, double x, double parameter, double factor, truth& result) {
  using R = mpfr_real<Bits>;
  const auto enclosed = enclose_in<F, R>(R(x), R(parameter), R(factor));
  const approximation value = to_double(enclosed);
  result.value = value.value;
  result.error = value.error;
  return rounds_to_one(f, enclosed, result.rounded);
}

template <class F>
truth settle(const format& f, double x, double parameter, double factor) {
  truth result{};
  if (settle_at<F, 120>(f, x, parameter, factor, result) ||
      settle_at<F, 240>(f, x, parameter, factor, result) ||
      settle_at<F, 480>(f, x, parameter, factor, result) ||
      settle_at<F, 960>(f, x, parameter, factor, result)) {
    return result;
  }
  throw std::runtime_error("correct rounding undecided at 960 bits, x = " + std::to_string(x));
}

}  // namespace detail

template <class F>
constexpr elementwise describe(std::string_view name) {
  return {name, 0, detail::enclose<F>, detail::settle<F>};
}

}  // namespace assay::reference
