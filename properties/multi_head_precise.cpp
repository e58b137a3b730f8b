#include "properties/multi_head_precise.hpp"

#include "properties/precise.hpp"
#include "properties/values.hpp"

#include <algorithm>

namespace assay::properties {
namespace {

using R = reference::mpfr_real<960>;
constexpr double k_u = reference::k_unit_roundoff<R>;

std::vector<R> widened(std::span<const double> x) { return {x.begin(), x.end()}; }

// One batch, its packed queries, keys and values, and y. Products of a number of x and one of
// w_qkv, their sums, and products of those with one of w_out have 851 bits at most (from 2^-447 to
// 2^404): queries, keys and values are exact, and so is y where o is.
struct precise_batch {
  const multi_head_shape& shape;
  bool causal;
  std::vector<R> w_qkv, b_qkv, w_out, b_out, qkv, y;
  R scale;

  precise_batch(const multi_head_shape& of, bool with_mask, std::span<const double> tokens,
                const reference::multi_head_weights<double>& weights)
      : shape(of),
        causal(with_mask),
        w_qkv(widened(weights.qkv.weights)),
        b_qkv(widened(weights.qkv.bias)),
        w_out(widened(weights.out.weights)),
        b_out(widened(weights.out.bias)),
        scale(R(1) / reference::special<R>::sqrt(R(double(of.width())))) {
    const std::vector<R> x = widened(tokens);
    const reference::multi_head_weights<R> wide{{w_qkv, b_qkv}, {w_out, b_out}};
    qkv = reference::linear(std::span<const R>(x), wide.qkv);
    y = reference::multi_head(std::span<const R>(x), wide, shape.heads, causal, scale);
  }

  reference::head_matrix<R> part(std::int64_t head, reference::packed_part which) const {
    return reference::packed_head(std::span<const R>(qkv), shape.channels, shape.heads, head,
                                  which);
  }
  const R& value(std::int64_t token, std::int64_t channel) const {
    return qkv[std::size_t((3 * token + 2) * shape.channels + channel)];
  }

  // Does a row see one value in each channel? Then that is o.
  bool is_exact(std::int64_t i) const {
    for (std::int64_t j = 1; j < reference::tokens_seen(causal, i, shape.tokens); ++j)
      for (std::int64_t k = 0; k < shape.channels; ++k)
        if (!(value(j, k) == value(0, k))) return false;
    return true;
  }

  // The largest score of a row, were all its terms positive.
  R largest_score(std::int64_t i) const {
    R most(0);
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      const auto q = part(h, reference::packed_part::queries),
                 k = part(h, reference::packed_part::keys);
      for (std::int64_t j = 0; j < reference::tokens_seen(causal, i, shape.tokens); ++j) {
        R sum(0);
        for (std::size_t d = 0; d < q.row(i).size(); ++d)
          sum = sum + R(reference::magnitude(R(q.row(i)[d] * k.row(j)[d])));
        most = std::max(most, R(sum * scale));
      }
    }
    return most;
  }

  // A score m large and its exponent carry (2 D + 6) roundings of m at most, which are relative
  // errors of its weight; e^t carries |t| u more: 3000 u covers |t| < 900, beyond which nothing is
  // left of a weight. Weights, their sum, the quotient: T + 4 roundings; sums over channels: C + 2.
  R error_of(std::int64_t i, std::int64_t n, const R& score) const {
    R size = reference::magnitude(b_out[std::size_t(n)]);
    for (std::int64_t k = 0; k < shape.channels; ++k) {
      R values(0);
      for (std::int64_t j = 0; j < reference::tokens_seen(causal, i, shape.tokens); ++j)
        values = values + R(reference::magnitude(value(j, k)));
      size = size + values * R(reference::magnitude(w_out[std::size_t(k * shape.channels + n)]));
    }
    const double others = 3000 + double(shape.tokens + shape.channels) + 8;
    return size * (score * R((2 * double(shape.width()) + 6) * k_u) + R(others * k_u)) * R(2);
  }
};

std::vector<truth> precise_batches(const multi_head_variant& of, const case_inputs& in) {
  const multi_head_shape shape = multi_head_shape::of(in);
  truth y;
  for (std::int64_t b = 0; b < shape.batch && shape.channels > 0; ++b) {
    const precise_batch batch(shape, of.causal, shape.tokens_of(in, b), weights_of(in));
    for (std::int64_t i = 0; i < shape.tokens; ++i) {
      const bool exact = batch.is_exact(i);
      const R score = batch.largest_score(i);
      for (std::int64_t n = 0; n < shape.channels; ++n) {
        const R& each = batch.y[std::size_t(i * shape.channels + n)];
        const bool known = exact || !reference::is_finite(each);
        append_precise(y, format_of(in.id.types[k_x].type), each,
                       known ? R(0) : batch.error_of(i, n, score));
      }
    }
  }
  return {y};
}

}  // namespace

precise_reference precise_multi_head(const multi_head_variant& of) {
  return {"MPFR at 960 bits", 289, [of](const case_inputs& in) { return precise_batches(of, in); }};
}

}  // namespace assay::properties
