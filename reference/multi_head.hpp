// Multi-head attention (Vaswani et al. 2017, section 3.2.2; GPT-2's layout) of T tokens of C
// channels, x [T, C]:
//
//   [q k v] = x W_qkv + b_qkv       W_qkv [C, 3 C], b_qkv [3 C]: queries, then keys, then values
//   o_h = softmax(q_h k_h^T / sqrt(D)) v_h,   head h: channels [h D, (h + 1) D),   D = C / H
//   y = [o_1 ... o_H] W_out + b_out           W_out [C, C], b_out [C]
//
// Each token attends to all of them, or under a causal mask to itself and those before it. H
// divides C; the 4 C^2 + 4 C parameters know nothing of H.
//
// Policies: those of attention (attention.hpp). In a product of matrices 0 times infinity is NaN,
// and what is no number reaches everything that it is multiplied with.
#pragma once

#include "reference/attention.hpp"
#include "reference/exact.hpp"
#include "reference/linear.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace assay::reference {

/// Queries, keys and values of one head in packed [T, 3 C], as linear gives them.
enum class packed_part { queries, keys, values };
template <class T>
head_matrix<T> packed_head(std::span<const T> qkv, std::int64_t channels, std::int64_t heads,
                           std::int64_t head, packed_part part) {
  const std::int64_t width = channels / heads;
  return {qkv.data() + std::int64_t(part) * channels + head * width,
          std::int64_t(qkv.size()) / (3 * channels), width, 3 * channels};
}

/// How many of T tokens the one at `token` attends to: the first so many.
inline std::int64_t tokens_seen(bool causal, std::int64_t token, std::int64_t tokens) {
  return causal ? token + 1 : tokens;
}

template <class T>
struct multi_head_weights {
  linear_map<T> qkv, out;
};

/// y [T, C] of x [T, C]. `scale` is 1 / sqrt(C / heads).
template <real R>
std::vector<R> multi_head(std::span<const R> x, const multi_head_weights<R>& weights,
                          std::int64_t heads, bool causal, const R& scale) {
  const auto channels = std::int64_t(weights.out.out());
  const std::vector<R> held = linear(x, weights.qkv);
  const std::span<const R> qkv(held);
  std::vector<R> joined(x.size(), R(0));
  for (std::int64_t h = 0; h < heads; ++h) {
    const auto part = [&](packed_part which) {
      return packed_head(qkv, channels, heads, h, which);
    };
    const head_matrix<R> q = part(packed_part::queries), k = part(packed_part::keys),
                         v = part(packed_part::values);
    for (std::int64_t i = 0; i < q.count; ++i) {
      const std::int64_t seen = tokens_seen(causal, i, q.count);
      const attended<R> row = attend(q.row(i), k.rows(0, seen), v.rows(0, seen), scale);
      std::copy(row.o.begin(), row.o.end(), joined.begin() + i * channels + h * q.width);
    }
  }
  return linear(std::span<const R>(joined), weights.out);
}

// R0 with bounds of its own error; u = 2^-53.

/// Inputs of at most 24 bits. A sum of n products is off by gamma_(n + 1) sum |x| |w|, and by what
/// its x are off by (Higham, Accuracy and Stability, section 3.1). Scores of q and k that are off
/// by e_q and e_k are off by
///   scale sum_d (e_q |k| + |q| e_k + e_q e_k) <= d,
/// so each weight of a row by a factor of e^(2 d) at most, and a mean by
///   (e^(2 d) - 1) max |v| + e^(2 d) max e_v
/// beyond what attend_with_error states of it. Where a value is infinite or no number, that of the
/// templates above, without an error.
std::vector<approximation> multi_head_with_error(std::span<const double> x,
                                                 const multi_head_weights<double>& weights,
                                                 std::int64_t heads, bool causal);

}  // namespace assay::reference
