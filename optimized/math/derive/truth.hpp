// Truth for the sweeps: every function in double (error below 2^-45, relative to the sum of its
// terms' magnitudes) and in MPFR at any precision, and from the two the correctly rounded result.
// Independent of reference/ on purpose: this folder derives the kernels and is no oracle for them.
#pragma once

#include <mpfr.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace derive {

inline float float_of(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline std::uint32_t bits_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// A function's value, and the sum of the magnitudes of the terms it was added up from.
struct estimate {
  double value, terms;
};

inline estimate one_term(double value) { return {value, std::fabs(value)}; }

constexpr double k_sqrt_half = 0.70710678118654752440, k_density_0 = 0.39894228040143267794;
constexpr double k_tanh_slope = 1.59576912160573071176;  // 2 sqrt(2/pi)
constexpr double k_tanh_cubic = 0.044715;

inline estimate gelu_erf(double x) { return one_term(0.5 * x * std::erfc(-x * k_sqrt_half)); }

inline estimate gelu_erf_derivative(double x) {
  const double p = 0.5 * std::erfc(-x * k_sqrt_half), q = x * std::exp(-0.5 * x * x) * k_density_0;
  return {p + q, p + std::fabs(q)};
}

// x sigmoid(u) for u of x's sign and its derivative sigmoid + x u' sigmoid (1 - sigmoid), without
// overflow or cancellation.
inline double sigmoid(double u) {
  return u < 0 ? std::exp(u) / (1 + std::exp(u)) : 1 / (1 + std::exp(-u));
}

inline estimate gated(double x, double u) { return one_term(x * sigmoid(u)); }

inline estimate gated_derivative(double x, double u, double slope) {
  const double p = sigmoid(u), q = x * slope * p * sigmoid(-u);
  return {p + q, p + std::fabs(q)};
}

inline double tanh_argument(double x) { return k_tanh_slope * x * (1 + k_tanh_cubic * x * x); }

inline estimate gelu_tanh(double x) { return gated(x, tanh_argument(x)); }

inline estimate gelu_tanh_derivative(double x) {
  return gated_derivative(x, tanh_argument(x), k_tanh_slope * (1 + 3 * k_tanh_cubic * x * x));
}

inline estimate silu(double x) { return gated(x, x); }
inline estimate silu_derivative(double x) { return gated_derivative(x, x, 1); }

// tanh(log1p(e^x)) = n / (n + 2), n = e^x (e^x + 2); for x > 0 both divided by e^2x.
inline estimate mish(double x) {
  if (x > 0) {
    const double e = std::exp(-x);
    return one_term(x * (1 + 2 * e) / (1 + 2 * e + 2 * e * e));
  }
  const double e = std::exp(x), n = e * (e + 2);
  return one_term(x * n / (n + 2));
}

inline estimate mish_derivative(double x) {
  if (x > 0) {
    const double e = std::exp(-x), d = 1 + 2 * e + 2 * e * e;
    const double q = e * e * (1 + e), p = (1 + 2 * e) / d;
    return {p + 4 * x * q / (d * d), p + 4 * x * q / (d * d)};
  }
  const double e = std::exp(x), n = e * (e + 2), d = n + 2;
  const double p = n / d, q = 4 * x * e * (1 + e) / (d * d);
  return {p + q, p + std::fabs(q)};
}

inline estimate exp(double x) { return one_term(std::exp(x)); }
inline estimate erf(double x) { return one_term(std::erf(x)); }
inline estimate tanh(double x) { return one_term(std::tanh(x)); }
inline estimate cosh(double x) { return one_term(std::cosh(x)); }
inline estimate log1p(double x) { return one_term(std::log1p(x)); }

// Of a fraction of a turn, at most an eighth.
constexpr double k_circle = 6.28318530717958647693;
inline estimate sine_of_turns(double t) { return one_term(std::sin(k_circle * t)); }
inline estimate cosine_of_turns(double t) { return one_term(std::cos(k_circle * t)); }

// The same in MPFR; `to` has the precision asked for.
class number {
 public:
  explicit number(mpfr_prec_t precision) { mpfr_init2(value_, precision); }
  number(const number& other) {
    mpfr_init2(value_, mpfr_get_prec(other.value_));
    mpfr_set(value_, other.value_, MPFR_RNDN);
  }
  number& operator=(const number& other) {
    mpfr_set(value_, other.value_, MPFR_RNDN);
    return *this;
  }
  ~number() { mpfr_clear(value_); }
  mpfr_ptr get() { return value_; }
  mpfr_srcptr get() const { return value_; }
  double to_double() const { return mpfr_get_d(value_, MPFR_RNDN); }

 private:
  mpfr_t value_;
};

inline number make(mpfr_prec_t precision, double x) {
  number a(precision);
  mpfr_set_d(a.get(), x, MPFR_RNDN);
  return a;
}

#define ASSAY_DERIVE_BINARY(op, function)                       \
  inline number operator op(const number& a, const number& b) { \
    number c(mpfr_get_prec(a.get()));                           \
    function(c.get(), a.get(), b.get(), MPFR_RNDN);             \
    return c;                                                   \
  }
ASSAY_DERIVE_BINARY(+, mpfr_add)
ASSAY_DERIVE_BINARY(-, mpfr_sub)
ASSAY_DERIVE_BINARY(*, mpfr_mul)
ASSAY_DERIVE_BINARY(/, mpfr_div)
#undef ASSAY_DERIVE_BINARY

template <class Function>
number apply(Function function, const number& a) {
  number c(mpfr_get_prec(a.get()));
  function(c.get(), a.get(), MPFR_RNDN);
  return c;
}

enum class kind {
  gelu_erf,
  gelu_erf_derivative,
  gelu_tanh,
  gelu_tanh_derivative,
  silu,
  silu_derivative,
  mish,
  mish_derivative,
  exp,
  erf,
  tanh,
  cosh,
  log1p,
  sine_of_turns,
  cosine_of_turns
};

inline number precise_sigmoid(const number& u) {
  const number one = make(mpfr_get_prec(u.get()), 1);
  return one / (one + apply(mpfr_exp, make(mpfr_get_prec(u.get()), 0) - u));
}

inline number precise_gate(const number& x, const number& u, const number& slope, bool derivative) {
  const number s = precise_sigmoid(u);
  if (!derivative) return x * s;
  return s + x * slope * s * precise_sigmoid(make(mpfr_get_prec(u.get()), 0) - u);
}

inline number precise(kind which, double at, mpfr_prec_t precision) {
  const auto constant = [&](double v) { return make(precision, v); };
  const number x = constant(at), one = constant(1), two = constant(2);
  number pi(precision);
  mpfr_const_pi(pi.get(), MPFR_RNDN);
  switch (which) {
    case kind::gelu_erf:
    case kind::gelu_erf_derivative: {
      const number minus_t = x / apply(mpfr_sqrt, two);
      const number p = apply(mpfr_erfc, constant(0) - minus_t) / two;
      if (which == kind::gelu_erf) return x * p;
      return p + x * apply(mpfr_exp, constant(0) - minus_t * minus_t) / apply(mpfr_sqrt, two * pi);
    }
    case kind::gelu_tanh:
    case kind::gelu_tanh_derivative: {
      number cubic(precision);
      mpfr_set_str(cubic.get(), "0.044715", 10, MPFR_RNDN);
      const number slope = two * apply(mpfr_sqrt, two / pi), square = cubic * x * x;
      return precise_gate(x, slope * x * (one + square), slope * (one + constant(3) * square),
                          which == kind::gelu_tanh_derivative);
    }
    case kind::silu:
    case kind::silu_derivative:
      return precise_gate(x, x, one, which == kind::silu_derivative);
    case kind::mish:
    case kind::mish_derivative: {
      const number e = apply(mpfr_exp, x), n = e * (e + two), d = n + two;
      if (which == kind::mish) return x * n / d;
      return n / d + constant(4) * x * e * (one + e) / (d * d);
    }
    case kind::exp:
      return apply(mpfr_exp, x);
    case kind::erf:
      return apply(mpfr_erf, x);
    case kind::tanh:
      return apply(mpfr_tanh, x);
    case kind::cosh:
      return apply(mpfr_cosh, x);
    case kind::log1p:
      return apply(mpfr_log1p, x);
    case kind::sine_of_turns:
      return apply(mpfr_sin, two * pi * x);
    case kind::cosine_of_turns:
      return apply(mpfr_cos, two * pi * x);
  }
  return x;
}

struct function {
  std::string name;
  kind which;
  estimate (*in_double)(double);
  double root;  // where truth crosses zero away from 0; NaN: nowhere
};

inline const std::vector<function>& functions() {
  const double none = std::nan("");
  static const std::vector<function> all = {
      {"gelu_erf", kind::gelu_erf, gelu_erf, none},
      {"gelu_erf_derivative", kind::gelu_erf_derivative, gelu_erf_derivative, -0.75179152469356446},
      {"gelu_tanh", kind::gelu_tanh, gelu_tanh, none},
      {"gelu_tanh_derivative", kind::gelu_tanh_derivative, gelu_tanh_derivative,
       -0.75246142207101626},
      {"silu", kind::silu, silu, none},
      {"silu_derivative", kind::silu_derivative, silu_derivative, -1.27846454276107379},
      {"mish", kind::mish, mish, none},
      {"mish_derivative", kind::mish_derivative, mish_derivative, -1.19243121451549521},
      {"exp", kind::exp, exp, none},
      {"erf", kind::erf, erf, none},
      {"tanh", kind::tanh, tanh, none},
      {"cosh", kind::cosh, cosh, none},
      {"log1p", kind::log1p, log1p, none},
      {"sine_of_turns", kind::sine_of_turns, sine_of_turns, none},
      {"cosine_of_turns", kind::cosine_of_turns, cosine_of_turns, none},
  };
  return all;
}

inline bool is_derivative(kind which) {
  return which == kind::gelu_erf_derivative || which == kind::gelu_tanh_derivative ||
         which == kind::silu_derivative || which == kind::mish_derivative;
}

}  // namespace derive
