// GELU (Hendrycks, Gimpel, "Gaussian error linear units", arXiv:1606.08415):
//
//   gelu.erf     x Phi(x) = x/2 erfc(-x / sqrt 2),  Phi the standard normal distribution function
//   gelu.tanh    x/2 (1 + tanh u) = x sigmoid(2u),  u = sqrt(2/pi) (x + 0.044715 x^3)
//   gelu.scaled  gelu.erf(alpha x)
//
// 0.044715 is that decimal number, not the float nearest to it. Domain: all reals; gelu(-0) = -0,
// gelu(inf) = inf, gelu(-inf) = -0, derivatives 1 and -0 there; NaN to NaN. gelu.erf has one
// minimum, -0.16997120747990366 at x = -0.75179152469356446, falls before it and rises after it.
#pragma once

#include "reference/elementwise.hpp"
#include "reference/enclosure.hpp"
#include "reference/sigmoid_gate.hpp"
#include "reference/special.hpp"

namespace assay::reference {

/// Relative error of erfc(|x|/sqrt 2), exp(-x^2/2) and erf(x/sqrt 2) times a few factors: the
/// functions' own; t = |x|/sqrt 2 carries at most 4 u (a constant, a product), and the condition
/// number of erfc at t is at most 2t^2 + 1 = x^2 + 1 (from Mills' ratio, erfc(t) >= 2/sqrt pi
/// e^(-t^2) / (t + sqrt(t^2 + 2)), A&S 7.1.13), that of erf at most 1; x^2/2 carries u, which e^-
/// amplifies by x^2/2; 5 u for the constant and products around, 3 u for the ends of the enclosure.
template <real R>
R normal_error(const R& x) {
  return R(special<R>::k_error) + R(k_unit_roundoff<R>) * (R(5) * x * x + R(16));
}

/// x^2/2 is beyond what e^- can represent: neither the normal density nor its tail can be had in R.
template <real R>
bool beyond_normal_range(const R& x) {
  return x * x > R(2 * real_traits<R>::k_exponent_range);
}

/// phi(x) = exp(-x^2/2) / sqrt(2 pi), the standard normal density.
template <real R>
R normal_density(const R& x) {
  return special<R>::exp(R(x * x * R(-0.5))) * constants<R>::inverse_sqrt_2_pi();
}

/// Q(x) = erfc(x / sqrt 2) / 2, the upper tail of the standard normal distribution.
template <real R>
R normal_tail(const R& x) {
  return special<R>::erfc(R(x * constants<R>::inverse_sqrt_2())) * R(0.5);
}

/// x/2 + x/2 erf(x/sqrt 2) near zero, else max(x, 0) - |x| Q(|x|).
struct gelu_erf_forward {
  template <real R>
  enclosure<R> operator()(const R& x) const {
    const R half = x * R(0.5);
    const R size = magnitude(x);
    if (x == R(0)) return exactly(x);
    if (beyond_normal_range(x)) return vanishing(x < R(0) ? R(0) : x, -1);
    if (size < R(0.5)) {
      const R tail = half * special<R>::erf(R(x * constants<R>::inverse_sqrt_2()));
      return relatively(half, tail, normal_error(x));
    }
    return relatively(x < R(0) ? R(0) : x, R(-size * normal_tail(size)), normal_error(x));
  }
};

/// Phi(x) + x phi(x) = 1/2 + (erf(x/sqrt 2)/2 + x phi(x)) near zero, both terms of one sign; else,
/// with d = Q(|x|) - |x| phi(x): d on the left and 1 - d on the right. d is zero at |x| =
/// 0.7517915..., where its error is that of its terms. Falls to -0.12890414518515479 at x = -sqrt
/// 2, then rises: the second derivative is (2 - x^2) phi(x).
struct gelu_erf_slope {
  template <real R>
  enclosure<R> operator()(const R& x) const {
    const bool negative = x < R(0);
    const R size = magnitude(x);
    if (beyond_normal_range(x)) return vanishing(R(negative ? 0 : 1), negative ? -1 : 1);
    const R normal = size * normal_density(x);
    if (size < R(0.5)) {
      const R half_erf = special<R>::erf(R(size * constants<R>::inverse_sqrt_2())) * R(0.5);
      const R tail = half_erf + normal;
      return relatively(R(0.5), negative ? R(-tail) : tail, normal_error(x));
    }
    const R rest = normal_tail(size);
    const R d = rest - normal;
    return {R(negative ? 0 : 1), negative ? d : R(-d), (rest + normal) * normal_error(x)};
  }
};

/// w = 2u = 2 sqrt(2/pi) (x + 0.044715 x^3) and x w'(x). The relative errors add up to 9 u:
/// constant 3, 0.044715 and x^2 and their product 3 (less in the sum), sum 1, two products 2.
struct gelu_tanh_gate {
  template <real R>
  gate<R> operator()(const R& x) const {
    static const R coefficient = R(44715) / R(1000000);
    const R cubic = coefficient * x * x;
    const R scaled = R(2) * constants<R>::sqrt_2_over_pi() * x;
    return {scaled * (R(1) + cubic), scaled * (R(1) + R(3) * cubic), R(9 * k_unit_roundoff<R>)};
  }
};
using gelu_tanh_forward = gated_forward<gelu_tanh_gate>;
using gelu_tanh_slope = gated_slope<gelu_tanh_gate>;

/// gelu(alpha x); its derivatives: alpha gelu'(alpha x) in x, x gelu'(alpha x) in alpha. alpha x is
/// exact in double for x and alpha of 24 bits; 0 times infinity is NaN, as IEEE 754 has it.
struct gelu_scaled_forward {
  template <real R>
  enclosure<R> operator()(const R& x, const R& alpha) const {
    return gelu_erf_forward{}(R(alpha * x));
  }
};
struct gelu_scaled_slope {
  template <real R>
  enclosure<R> operator()(const R& x, const R& alpha) const {
    return gelu_erf_slope{}(R(alpha * x)).times(alpha);
  }
};
/// x gelu'(alpha x) vanishes as alpha x goes to -infinity, from above for x < 0.
struct gelu_scaled_slope_in_alpha {
  template <real R>
  enclosure<R> operator()(const R& x, const R& alpha) const {
    const R z = alpha * x;
    if (!is_finite(x) && z < R(0)) return vanishing(R(0), x < R(0) ? 1 : -1);
    return gelu_erf_slope{}(z).times(x);
  }
};

template <real R>
R gelu_erf(const R& x) {
  return gelu_erf_forward{}(x).value();
}
template <real R>
R gelu_erf_derivative(const R& x) {
  return gelu_erf_slope{}(x).value();
}
template <real R>
R gelu_erf_second_derivative(const R& x) {
  return (R(2) - x * x) * normal_density(x);
}
template <real R>
R gelu_tanh(const R& x) {
  return gelu_tanh_forward{}(x).value();
}
template <real R>
R gelu_tanh_derivative(const R& x) {
  return gelu_tanh_slope{}(x).value();
}

inline constexpr elementwise k_gelu_erf = describe<gelu_erf_forward>("gelu.erf");
inline constexpr elementwise k_gelu_erf_derivative =
    describe<gelu_erf_slope>("gelu.erf.derivative");
inline constexpr elementwise k_gelu_tanh = describe<gelu_tanh_forward>("gelu.tanh");
inline constexpr elementwise k_gelu_tanh_derivative =
    describe<gelu_tanh_slope>("gelu.tanh.derivative");

/// The parameter is alpha: k_gelu_scaled.with(alpha).
inline constexpr elementwise k_gelu_scaled = describe<gelu_scaled_forward>("gelu.scaled");
inline constexpr elementwise k_gelu_scaled_derivative =
    describe<gelu_scaled_slope>("gelu.scaled.derivative");
inline constexpr elementwise k_gelu_scaled_derivative_in_alpha =
    describe<gelu_scaled_slope_in_alpha>("gelu.scaled.derivative_in_alpha");

}  // namespace assay::reference
