// Gradients of scaled dot-product attention (Dao 2023, algorithm 2), of one head of keys and the
// queries that share it, from what the forward pass left, o and lse, and the gradient `grad` of o:
//
//   p_ij  = e^(scale q_i.k_j + b_ij - lse_i)   delta_i = grad_i.o_i
//   ds_ij = p_ij (grad_i.v_j - delta_i)
//   dq_i  = scale sum_j ds_ij k_j     dk_j = scale sum_i ds_ij q_i     dv_j = sum_i p_ij grad_i
//
// over the pairs in which query i sees key j, and b_ij, a bias, is not -infinity. They are
// functions of all that they are given: of o and lse as these were rounded, not as they should be.
//
// Policies: a query whose lse is -infinity saw nothing, and takes part in nothing; whatever else is
// not finite spreads as the formulas have it: the weight of a score of -infinity is a 0 like any
// other, or NaN with its lse.
#pragma once

#include "reference/attention.hpp"

namespace assay::reference {

/// q, o and grad have a row for each query, and so have lse and seen; k and v one for each key. A
/// bias for each pair, [queries, keys]; empty: none.
template <class T>
struct attention_results {
  head_matrix<T> q, k, v, o, grad;
  std::span<const T> lse;
  std::span<const key_range> seen;
  std::span<const T> bias = {};

  /// Of query i; empty where there is none.
  std::span<const T> biases(std::int64_t i) const {
    return bias.empty() ? bias : bias.subspan(std::size_t(i * k.count), std::size_t(k.count));
  }
};

/// [queries, width], [keys, width], [keys, width], contiguous.
template <class T>
struct attention_gradients {
  std::vector<T> dq, dk, dv;
};

namespace detail {

template <real R>
R dot(std::span<const R> x, std::span<const R> y) {
  R sum(0);
  for (std::size_t d = 0; d < x.size(); ++d) sum = sum + x[d] * y[d];
  return sum;
}

/// to += by x
template <real R>
void add_multiple(R* to, const R& by, std::span<const R> x) {
  for (std::size_t d = 0; d < x.size(); ++d) to[d] = to[d] + by * x[d];
}

}  // namespace detail

template <real R>
attention_gradients<R> attention_gradient(const attention_results<R>& of, const R& scale) {
  const std::int64_t width = of.q.width;
  attention_gradients<R> all{std::vector<R>(std::size_t(of.q.count * width), R(0)),
                             std::vector<R>(std::size_t(of.k.count * width), R(0)),
                             std::vector<R>(std::size_t(of.k.count * width), R(0))};
  for (std::int64_t i = 0; i < of.q.count; ++i) {
    const R& lse = of.lse[std::size_t(i)];
    if (lse == R(-k_infinity)) continue;
    const R delta = detail::dot(of.grad.row(i), of.o.row(i));
    const key_range seen = of.seen[std::size_t(i)];
    for (std::int64_t j = seen.first; j < seen.last; ++j) {
      const R s = attention_score(of.q.row(i), of.k.row(j), scale, of.biases(i), j);
      const R p = special<R>::exp(R(s - lse));
      const R ds = p * (detail::dot(of.grad.row(i), of.v.row(j)) - delta);
      detail::add_multiple(&all.dq[std::size_t(i * width)], ds, of.k.row(j));
      detail::add_multiple(&all.dk[std::size_t(j * width)], ds, of.q.row(i));
      detail::add_multiple(&all.dv[std::size_t(j * width)], p, of.grad.row(i));
    }
  }
  for (auto* gradient : {&all.dq, &all.dk})
    for (R& each : *gradient) each = each * scale;
  return all;
}

// R0 with bounds of its own error; u = 2^-53, q = special<double>::k_error.

/// Inputs of at most 24 bits; `scale` is within `scale_error`, relative, of what it stands for.
/// Dot products by Dot2, dp - delta = g as one. With e_s the error of a score, biases being exact,
/// p has that of softmax_with_error, from e_s + u |s - lse|; ds = p g adds p times that of g, u
/// |ds| and p's of |g|; and a sum of n terms gamma_(n+2) of their magnitudes. What is not finite
/// comes as the template has it, without error.
attention_gradients<approximation> attention_gradient_with_error(
    const attention_results<double>& of, double scale, double scale_error);

}  // namespace assay::reference
