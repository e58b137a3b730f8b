// CPU models of five kinds of kernel, each written once over its arithmetic
// (properties/arithmetic.hpp) and each with the faults that a harness must notice. In `concrete`
// arithmetic a model is a stand-in for a kernel; in `running` arithmetic it is that kernel's strict
// bound.
#pragma once

#include "properties/accumulation.hpp"
#include "properties/arithmetic.hpp"
#include "properties/values.hpp"

#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace assay::properties::models {

// What is done wrong on purpose; the default is nothing.
struct faults {
  bool accumulate_in_bf16 = false;
  std::int64_t dropped = -1;                     // this term is left out of the sum
  double scale = 1;                              // of the argument of the function or of the result
  double constant_factor = 1;                    // on the formula's constant
  const reference::format* misplaced = nullptr;  // one intermediate is rounded to this format
};

template <class Arithmetic>
typename Arithmetic::value misplace(const faults& wrong, typename Arithmetic::value v) {
  return wrong.misplaced ? Arithmetic::convert(*wrong.misplaced, v) : v;
}

// Stated errors, in ULPs, of the functions that the models call.
inline constexpr double k_exp_ulps = 1, k_erf_ulps = 1;

// gelu(x) = x/2 (1 + erf(x / sqrt 2)), as many kernels write it.
template <class Arithmetic>
typename Arithmetic::value gelu_naive(const Arithmetic& a, double x, const faults& wrong = {}) {
  const auto input = Arithmetic::exact(x);
  const auto half_sqrt2 = a.constant(0x1.6a09e667f3bcdp-1 * wrong.constant_factor);
  const auto t = misplace<Arithmetic>(wrong, a.mul(input, half_sqrt2));
  const auto e = a.apply(elementary_functions::k_erf, t, k_erf_ulps);
  const auto gate = a.add(Arithmetic::exact(1), e);
  const auto result = a.mul(a.mul(Arithmetic::exact(0.5), input), gate);
  return wrong.scale == 1 ? result : a.mul(result, Arithmetic::exact(wrong.scale));
}

template <class Arithmetic>
std::vector<typename Arithmetic::value> exact_terms(std::span<const double> x,
                                                    const faults& wrong) {
  std::vector<typename Arithmetic::value> terms;
  for (std::size_t i = 0; i < x.size(); ++i)
    terms.push_back(Arithmetic::exact(std::int64_t(i) == wrong.dropped ? 0 : x[i]));
  return terms;
}

// sum of x by 32 lanes and a tree, as a warp adds a row.
inline const order k_warp_order{{interleaved{32, 1}, tree{}}};

template <class Arithmetic>
typename Arithmetic::value lane_sum(const Arithmetic& a, std::span<const double> x,
                                    const faults& wrong = {}) {
  const Arithmetic adder = wrong.accumulate_in_bf16 ? Arithmetic(reference::k_bf16) : a;
  const auto total = sum(adder, k_warp_order, exact_terms<Arithmetic>(x, wrong));
  return wrong.scale == 1 ? total : a.mul(total, Arithmetic::exact(wrong.scale));
}

// softmax of one row: e^(x_j - max) / sum, 32 lanes and a tree.
template <class Arithmetic>
std::vector<typename Arithmetic::value> softmax_row(const Arithmetic& a, std::span<const double> x,
                                                    const faults& wrong = {}) {
  using value = typename Arithmetic::value;
  value most = Arithmetic::exact(-std::numeric_limits<double>::infinity());
  for (double each : x) most = Arithmetic::max(most, Arithmetic::exact(each));
  std::vector<value> exps, terms;
  for (std::size_t i = 0; i < x.size(); ++i) {
    value argument = a.sub(Arithmetic::exact(x[i]), most);
    if (wrong.scale != 1) argument = a.mul(argument, Arithmetic::exact(wrong.scale));
    exps.push_back(
        misplace<Arithmetic>(wrong, a.apply(elementary_functions::k_exp, argument, k_exp_ulps)));
    terms.push_back(std::int64_t(i) == wrong.dropped ? Arithmetic::exact(0) : exps.back());
  }
  const Arithmetic adder = wrong.accumulate_in_bf16 ? Arithmetic(reference::k_bf16) : a;
  const value total = sum(adder, k_warp_order, std::move(terms));
  for (value& each : exps) each = a.div(each, total);
  return exps;
}

// sum x_i y_i on a tensor core: exact products, 16 at a time, cut off. x and y have at most 12
// bits.
inline const order k_tensor_core_order{{tensor_core{{16, 2}}}};

template <class Arithmetic>
typename Arithmetic::value tensor_core_dot(const Arithmetic& a, std::span<const double> x,
                                           std::span<const double> y, const faults& wrong = {}) {
  std::vector<typename Arithmetic::value> products;
  for (std::size_t i = 0; i < x.size(); ++i)
    products.push_back(Arithmetic::exact(std::int64_t(i) == wrong.dropped ? 0 : x[i] * y[i]));
  const Arithmetic adder = wrong.accumulate_in_bf16 ? Arithmetic(reference::k_bf16) : a;
  const auto total = sum(adder, k_tensor_core_order, std::move(products));
  return wrong.scale == 1 ? total : a.mul(total, Arithmetic::exact(wrong.scale));
}

// softmax(s) . v with the weights rounded to bf16 before they meet v, as a flash kernel feeds its
// tensor cores: a coarse rounding that the implementation declares, under which small faults hide
// from the strict bound.
template <class Arithmetic>
std::vector<typename Arithmetic::value> weighted_average(const Arithmetic& a,
                                                         std::span<const double> s,
                                                         std::span<const double> v,
                                                         std::int64_t width,
                                                         const faults& wrong = {}) {
  using value = typename Arithmetic::value;
  value most = Arithmetic::exact(-std::numeric_limits<double>::infinity());
  for (double each : s) most = Arithmetic::max(most, Arithmetic::exact(each));
  std::vector<value> weights;
  for (std::size_t j = 0; j < s.size(); ++j) {
    value argument = a.sub(Arithmetic::exact(s[j]), most);
    if (wrong.scale != 1) argument = a.mul(argument, Arithmetic::exact(wrong.scale));
    const bool dropped = std::int64_t(j) == wrong.dropped;
    weights.push_back(dropped ? Arithmetic::exact(0)
                              : a.apply(elementary_functions::k_exp, argument, k_exp_ulps));
  }
  const value total = sum(a, k_warp_order, weights);
  std::vector<value> outputs;
  for (std::int64_t c = 0; c < width; ++c) {
    std::vector<value> terms;
    for (std::size_t j = 0; j < s.size(); ++j)
      terms.push_back(Arithmetic::exact_product(Arithmetic::convert(reference::k_bf16, weights[j]),
                                                v[j * std::size_t(width) + std::size_t(c)]));
    value o = sum(a, sequential(), std::move(terms));
    if (wrong.misplaced) o = Arithmetic::convert(*wrong.misplaced, o);
    outputs.push_back(a.div(o, total));
  }
  return outputs;
}

}  // namespace assay::properties::models
