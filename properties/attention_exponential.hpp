// What the models of attention, forward and backward, have in common: constants as kernels hold
// them, biases, exponentials.
#pragma once

#include "optimized/math/accuracy.hpp"
#include "properties/arithmetic.hpp"

#include <cmath>
#include <type_traits>

namespace assay::properties {

// ex2.approx: 2^-22 of the result (PTX ISA), 4 ULPs at most.
inline constexpr double k_exp2_approx_ulps = 4;

inline constexpr double k_log2_e = 0x1.71547652b82fep+0;

// A number that the kernel holds in fp32; its double is `off` from what it stands for, relative.
template <class Arithmetic>
typename Arithmetic::value held_in_fp32(double exact, double off) {
  const double held = reference::round(reference::k_fp32, exact);
  if constexpr (std::is_same_v<Arithmetic, running>) {
    const double error = std::abs(held - exact) + off * std::abs(exact);
    return {exact, error, error};
  } else {
    return {held, held};
  }
}

// What is added to a score, given exactly: fp32 has it, or it is a product that rounds to fp32.
// `base_2`: then it is multiplied by log2(e).
template <class Arithmetic>
typename Arithmetic::value held_bias(const Arithmetic& a, double bias, bool base_2) {
  const auto held = a.constant(bias);
  return base_2 ? a.mul(held, held_in_fp32<Arithmetic>(k_log2_e, 0x1p-53)) : held;
}

// e^x, or 2^x by the special-function unit, of an exponent that carries little error. What a kernel
// flushes far below has half an ULP of zero.
template <class Arithmetic>
typename Arithmetic::value attention_exponential(const Arithmetic& a,
                                                 const typename Arithmetic::value& exponent,
                                                 bool base_2) {
  double center = 0;
  if constexpr (std::is_same_v<Arithmetic, running>)
    center = exponent.center;
  else
    center = exponent.after;
  if (center < (base_2 ? -170 : -120))
    return a.known(base_2 ? std::exp2(center) : std::exp(center), 0.5);
  return base_2 ? a.apply(elementary_functions::k_exp2, exponent, k_exp2_approx_ulps)
                : a.apply(elementary_functions::k_exp, exponent, optimized::k_exp_ulps);
}

}  // namespace assay::properties
