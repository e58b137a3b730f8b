// R2: MPFR at a fixed precision as a scalar. Every operation and function is correctly rounded to
// nearest, so its relative error is at most 2^-Bits; the exponent range is practically unbounded.
#pragma once

#include "reference/real.hpp"
#include "reference/special.hpp"

#include <mpfr.h>

#include <compare>
#include <utility>

namespace assay::reference {

template <int Bits>
class mpfr_real {
 public:
  mpfr_real() : mpfr_real(0.0) {}
  mpfr_real(double value) {  // NOLINT(google-explicit-constructor): a literal is a scalar
    static_assert(Bits >= 53, "every double must be exact");
    mpfr_init2(value_, Bits);
    mpfr_set_d(value_, value, MPFR_RNDN);
  }
  mpfr_real(const mpfr_real& other) {
    mpfr_init2(value_, Bits);
    mpfr_set(value_, other.value_, MPFR_RNDN);
  }
  mpfr_real(mpfr_real&& other) noexcept : mpfr_real(undefined{}) {
    mpfr_swap(value_, other.value_);
  }
  mpfr_real& operator=(const mpfr_real& other) {
    if (this != &other) mpfr_set(value_, other.value_, MPFR_RNDN);
    return *this;
  }
  mpfr_real& operator=(mpfr_real&& other) noexcept {
    mpfr_swap(value_, other.value_);
    return *this;
  }
  ~mpfr_real() { mpfr_clear(value_); }

  /// From another precision, rounded to nearest; the other may go by itself if it is wider.
  template <int Other>
  explicit mpfr_real(const mpfr_real<Other>& other) {
    mpfr_init2(value_, Bits);
    mpfr_set(value_, other.get(), MPFR_RNDN);
  }

  mpfr_srcptr get() const { return value_; }
  mpfr_ptr get() { return value_; }
  explicit operator double() const { return mpfr_get_d(value_, MPFR_RNDN); }

  friend mpfr_real operator+(const mpfr_real& a, const mpfr_real& b) {
    return apply(mpfr_add, a, b);
  }
  friend mpfr_real operator-(const mpfr_real& a, const mpfr_real& b) {
    return apply(mpfr_sub, a, b);
  }
  friend mpfr_real operator*(const mpfr_real& a, const mpfr_real& b) {
    return apply(mpfr_mul, a, b);
  }
  friend mpfr_real operator/(const mpfr_real& a, const mpfr_real& b) {
    return apply(mpfr_div, a, b);
  }
  mpfr_real operator-() const { return apply(mpfr_neg, *this); }

  friend bool operator==(const mpfr_real& a, const mpfr_real& b) {
    return mpfr_equal_p(a.value_, b.value_) != 0;
  }
  friend std::partial_ordering operator<=>(const mpfr_real& a, const mpfr_real& b) {
    if (mpfr_unordered_p(a.value_, b.value_) != 0) return std::partial_ordering::unordered;
    return mpfr_cmp(a.value_, b.value_) <=> 0;
  }

  /// f(result, x..., rounding), as all functions of MPFR are called.
  template <class Function, class... Argument>
  static mpfr_real apply(Function f, const Argument&... x) {
    mpfr_real result{undefined{}};
    f(result.value_, x.get()..., MPFR_RNDN);
    return result;
  }

 private:
  struct undefined {};
  explicit mpfr_real(undefined) { mpfr_init2(value_, Bits); }

  mpfr_t value_;
};

template <int Bits>
struct real_traits<mpfr_real<Bits>> {
  static constexpr int k_digits = Bits;
  static constexpr double k_exponent_range = 0x1p28;
};

template <int Bits>
struct special<mpfr_real<Bits>> {
  using R = mpfr_real<Bits>;
  static constexpr double k_error = k_unit_roundoff<R>;

  static R exp(const R& x) { return R::apply(mpfr_exp, x); }
  static R expm1(const R& x) { return R::apply(mpfr_expm1, x); }
  static R log(const R& x) { return R::apply(mpfr_log, x); }
  static R log1p(const R& x) { return R::apply(mpfr_log1p, x); }
  static R sqrt(const R& x) { return R::apply(mpfr_sqrt, x); }
  static R tanh(const R& x) { return R::apply(mpfr_tanh, x); }
  static R erf(const R& x) { return R::apply(mpfr_erf, x); }
  static R erfc(const R& x) { return R::apply(mpfr_erfc, x); }
  static R sin(const R& x) { return R::apply(mpfr_sin, x); }
  static R cos(const R& x) { return R::apply(mpfr_cos, x); }
  static R pi() { return R::apply(mpfr_const_pi); }
};

}  // namespace assay::reference
