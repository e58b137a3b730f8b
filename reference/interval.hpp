// R2 with both ends: MPFI intervals at a fixed precision. Every operation returns an interval which
// contains all that the mathematics can give for arguments in the given ones, so a textbook
// formula, however badly conditioned, is a proof: if both ends round to the same value, that value
// is right.
#pragma once

#include "reference/mpfr_real.hpp"

#include <mpfi.h>

namespace assay::reference {

template <int Bits>
class interval {
 public:
  explicit interval(double value) {
    static_assert(Bits >= 53, "every double must be exact");
    mpfi_init2(value_, Bits);
    mpfi_set_d(value_, value);
  }
  interval(const interval& other) {
    mpfi_init2(value_, Bits);
    mpfi_set(value_, other.value_);
  }
  interval& operator=(const interval& other) {
    if (this != &other) mpfi_set(value_, other.value_);
    return *this;
  }
  ~interval() { mpfi_clear(value_); }

  mpfr_real<Bits> low() const { return mpfr_real<Bits>::apply(get_left, *this); }
  mpfr_real<Bits> high() const { return mpfr_real<Bits>::apply(get_right, *this); }

  friend interval operator+(const interval& a, const interval& b) { return apply(mpfi_add, a, b); }
  friend interval operator-(const interval& a, const interval& b) { return apply(mpfi_sub, a, b); }
  friend interval operator*(const interval& a, const interval& b) { return apply(mpfi_mul, a, b); }
  friend interval operator/(const interval& a, const interval& b) { return apply(mpfi_div, a, b); }

  friend interval exp(const interval& x) { return apply(mpfi_exp, x); }
  friend interval log1p(const interval& x) { return apply(mpfi_log1p, x); }
  friend interval sqrt(const interval& x) { return apply(mpfi_sqrt, x); }
  friend interval square(const interval& x) { return apply(mpfi_sqr, x); }
  friend interval tanh(const interval& x) { return apply(mpfi_tanh, x); }
  static interval pi() { return apply(mpfi_const_pi); }

  /// MPFI has no erf: MPFR's, which is increasing, rounded outwards at both ends; erfc falls.
  friend interval erf(const interval& x) {
    return from_ends(mpfr_erf, &x.value_->left, &x.value_->right);
  }
  friend interval erfc(const interval& x) {
    return from_ends(mpfr_erfc, &x.value_->right, &x.value_->left);
  }

  mpfi_srcptr get() const { return value_; }

 private:
  template <class Function, class... Argument>
  static interval apply(Function f, const Argument&... x) {
    interval result{undefined{}};
    f(result.value_, x.get()...);
    return result;
  }
  template <class Function>
  static interval from_ends(Function f, mpfr_srcptr at_left, mpfr_srcptr at_right) {
    interval result{undefined{}};
    f(&result.value_->left, at_left, MPFR_RNDD);
    f(&result.value_->right, at_right, MPFR_RNDU);
    return result;
  }
  static int get_left(mpfr_ptr end, mpfi_srcptr x, mpfr_rnd_t) { return mpfi_get_left(end, x); }
  static int get_right(mpfr_ptr end, mpfi_srcptr x, mpfr_rnd_t) { return mpfi_get_right(end, x); }

  struct undefined {};
  explicit interval(undefined) { mpfi_init2(value_, Bits); }

  mpfi_t value_;
};

}  // namespace assay::reference
