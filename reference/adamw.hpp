// AdamW (Loshchilov, Hutter, "Decoupled weight decay regularization", arXiv:1711.05101, algorithm
// 2) of step t = 1, 2, ...:
//
//   m = beta1 m + (1 - beta1) g     v = beta2 v + (1 - beta2) g^2
//   w = w - rate (m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) + decay w)
//
// Policies: none of its own. Where eps and v are 0 it is what the formula has: NaN, or infinite.
#pragma once

#include "reference/double_double.hpp"
#include "reference/special.hpp"

#include <cstdint>
#include <span>

namespace assay::reference {

template <real R>
struct adamw_settings {
  R rate, beta1, beta2, eps, decay;
};

/// What AdamW knows of one parameter; or how far each of it may be off.
template <real R>
struct adamw_state {
  R weight, mean, square;
};

namespace detail {

/// A step of one parameter, with what it comes by.
template <real R>
struct adamw_parts {
  adamw_state<R> now;
  R unbiased, denominator, moved;
};

/// c1 = 1 - beta1^t, c2 = 1 - beta2^t.
template <real R>
adamw_parts<R> adamw_update(const adamw_settings<R>& by, const R& c1, const R& c2, const R& g,
                            const adamw_state<R>& old) {
  adamw_parts<R> all;
  all.now.mean = by.beta1 * old.mean + (R(1) - by.beta1) * g;
  all.now.square = by.beta2 * old.square + (R(1) - by.beta2) * g * g;
  all.unbiased = all.now.mean / c1;
  all.denominator = special<R>::sqrt(R(all.now.square / c2)) + by.eps;
  all.moved = all.unbiased / all.denominator + by.decay * old.weight;
  all.now.weight = old.weight - by.rate * all.moved;
  return all;
}

}  // namespace detail

/// One step. beta1^t and beta2^t are `beta1_power` and `beta2_power`.
template <real R>
void adamw_step(const adamw_settings<R>& by, const R& beta1_power, const R& beta2_power,
                std::span<const R> gradient, std::span<R> weight, std::span<R> mean,
                std::span<R> square) {
  const R c1 = R(1) - beta1_power, c2 = R(1) - beta2_power;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    const adamw_state<R> now =
        detail::adamw_update<R>(by, c1, c2, gradient[i], {weight[i], mean[i], square[i]}).now;
    weight[i] = now.weight, mean[i] = now.mean, square[i] = now.square;
  }
}

/// base^exponent by squaring, exponent >= 1. With multiplications of relative error e its own is at
/// most (exponent - 1) e, first order: every factor comes by one multiplication fewer than there
/// are factors in it (Higham, Accuracy and Stability, section 3.1).
template <class Number>
Number power(Number base, std::int64_t exponent) {
  while (exponent % 2 == 0) base = base * base, exponent /= 2;
  Number all = base;
  for (exponent /= 2; exponent > 0; exponent /= 2) {
    base = base * base;
    if (exponent % 2 == 1) all = all * base;
  }
  return all;
}

/// 1 - beta^t, and its relative error, for beta of 24 bits in [0, 1 - 2^-24].
template <real R>
struct bias_correction {
  R value;
  R error;
};

/// An error of (t - 1) e in beta^t is t beta^t e / (1 - beta^t) of the difference at most, which
/// with x = t ln(1/beta) is x / (e^x - 1) e / ln(1/beta) <= e / (1 - beta) <= 2^24 e. In R0 that is
/// double-double's 4.01 2^-106, and the rounding to double alone counts; in others u.
template <real R>
bias_correction<R> correction_of(const R& beta, std::int64_t step) {
  constexpr double k_u = k_unit_roundoff<R>;
  if constexpr (std::same_as<R, double>)
    return {(double_double(1) - power(double_double(beta), step)).hi, 1.01 * k_u};
  else
    return {R(1) - power(beta, step), R((0x1p24 + 2) * k_u)};
}

template <real R>
struct adamw_bounded {
  adamw_state<R> value, error;
};

/// A step of one parameter, and how far it may be off: first order, each operation u of its result,
/// and all of it times 1 + 2^-20 for what is of second order, since no relative error here is more
/// than 2^-24. For weight, moments and settings of fp32, and a gradient that is the product of two
/// of its numbers, nothing in double underflows (no number here but 0 is below 2^-900). What is not
/// finite has an error of 0. With 900 bits both moments are exact: no product has more than 269 (1
/// - beta 173, of which 2^-172 is the last, the square of a product of two numbers 96), and what is
/// added lies between 2^-768 and 2^128, or between 2^-298 and 2^512.
template <real R>
adamw_bounded<R> adamw_with_error(const adamw_settings<R>& by, const bias_correction<R>& of_mean,
                                  const bias_correction<R>& of_square, const R& g,
                                  const adamw_state<R>& old) {
  const auto all = detail::adamw_update(by, of_mean.value, of_square.value, g, old);
  const R u(k_unit_roundoff<R>), room(1 + 0x1p-20);
  const auto size = [](const R& x) { return magnitude(x); };
  const auto settled = [&](const R& value, const R& error) {
    return is_finite(value) ? R(error * room) : R(0);
  };
  // 1 - beta1, its product with g, that of beta1, the sum.
  const R of_moments(real_traits<R>::k_digits < 900 ? k_unit_roundoff<R> : 0);
  const R mean = of_moments * (size(by.beta1 * old.mean) + R(2) * size((R(1) - by.beta1) * g) +
                               size(all.now.mean));
  // Terms of one sign: 1 - beta2, two products, the sum.
  const R square = R(4) * of_moments * size(all.now.square);
  const R unbiased = mean / size(of_mean.value) + size(all.unbiased) * (of_mean.error + u);
  // A root halves what its argument is off by, 5 u and the correction; it and the sum round.
  const R denominator = R(4.5) * u + of_square.error;
  const R quotient = all.unbiased / all.denominator;
  const R moved = unbiased / all.denominator + size(quotient) * (denominator + u) +
                  u * (size(by.decay * old.weight) + size(all.moved));
  const R weight = size(by.rate) * moved + u * (size(by.rate * all.moved) + size(all.now.weight));
  return {all.now,
          {settled(all.now.weight, weight), settled(all.now.mean, mean),
           settled(all.now.square, square)}};
}

}  // namespace assay::reference
