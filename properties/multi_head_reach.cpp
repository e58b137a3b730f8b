#include "properties/multi_head_reach.hpp"

#include "properties/values.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr double k_u = 0x1p-24;  // fp32

// Packed queries, keys and values of a batch: how large they may be as a kernel holds them, and how
// far off. Not a number, or infinite, where an input is.
struct packed_reach {
  std::vector<double> held, off;

  std::span<const double> helds() const { return held; }
  std::span<const double> offs() const { return off; }
};

std::vector<double> magnitudes(std::span<const double> x) {
  std::vector<double> all;
  for (const double each : x) all.push_back(std::abs(each));
  return all;
}

// A sum of c products and a bias: c + 1 roundings of magnitudes, each with its factor of at most 1
// + 2^-10 from those before (c to 2^13); then the dtype's.
packed_reach reach_of(std::span<const double> x, const reference::linear_map<double>& map,
                      dtype type) {
  const std::vector<double> sizes = magnitudes(x), weights = magnitudes(map.weights),
                            bias = magnitudes(map.bias);
  const reference::linear_map<double> sizes_of{weights, bias};
  const std::vector<double> values = reference::linear(x, map),
                            sums = reference::linear(std::span<const double>(sizes), sizes_of);
  const double relative = double(map.in() + 1) * k_u * (1 + 0x1p-10);
  packed_reach reach;
  for (std::size_t i = 0; i < values.size(); ++i) {
    double off = relative * sums[i] + double(map.in() + 1) * 0x1p-149;
    const double before = std::abs(values[i]) + off;
    if (type != dtype::fp32 && std::isfinite(before))
      off += reference::half_ulp(format_of(type), before);
    reach.off.push_back(off);
    // Sums on the way to a value may be larger than it.
    reach.held.push_back(sums[i] <= 0x1p60 ? std::abs(values[i]) + off : reference::k_infinity);
  }
  return reach;
}

bool has_nan(std::span<const double> x) {
  return std::any_of(x.begin(), x.end(), [](double each) { return std::isnan(each); });
}
double largest(std::span<const double> x) {
  return x.empty() ? 0 : *std::max_element(x.begin(), x.end());
}

// Is the score of a query and a key off by a quarter at most? By what both are off, and d + 2
// roundings of its terms' magnitudes. (Then its exponential is off by a third, no sum of them is
// zero, and nothing overflows: attention's own promise, of exact queries and keys.)
bool is_score_in_reach(std::span<const double> q, std::span<const double> q_off,
                       std::span<const double> k, std::span<const double> k_off) {
  double off = 0, size = 0;
  for (std::size_t d = 0; d < q.size(); ++d) {
    off += q_off[d] * k[d] + q[d] * k_off[d];
    size += q[d] * k[d];
  }
  const double width = double(q.size());
  return (off + (width + 2) * k_u * size) / std::sqrt(width) <= 0.25;
}

// What a batch's rows and the columns of y make of a promise.
class batch_reach {
 public:
  batch_reach(const multi_head_shape& shape, bool causal, std::span<const double> x,
              const reference::multi_head_weights<double>& weights, dtype type)
      : shape_(shape),
        causal_(causal),
        x_(x),
        weights_(weights),
        qkv_(reach_of(x, weights.qkv, type)),
        most_(type == dtype::fp16 ? 0x1p14 : 0x1p60) {}

  bool sees_nan(std::int64_t i) const {
    const std::int64_t seen = reference::tokens_seen(causal_, i, shape_.tokens);
    return has_nan(x_.first(std::size_t(seen * shape_.channels)));
  }

  // Of a row's attention.
  bool holds(std::int64_t i) const {
    const std::int64_t seen = reference::tokens_seen(causal_, i, shape_.tokens),
                       token = 3 * shape_.channels;
    if (!(largest(qkv_.helds().first(std::size_t(seen * token))) <= most_)) return false;
    for (std::int64_t h = 0; h < shape_.heads; ++h) {
      const auto of = [&](std::span<const double> packed, reference::packed_part which) {
        return reference::packed_head(packed, shape_.channels, shape_.heads, h, which);
      };
      using reference::packed_part;
      const auto q = of(qkv_.helds(), packed_part::queries),
                 k = of(qkv_.helds(), packed_part::keys),
                 q_off = of(qkv_.offs(), packed_part::queries),
                 k_off = of(qkv_.offs(), packed_part::keys);
      for (std::int64_t j = 0; j < seen; ++j)
        if (!is_score_in_reach(q.row(i), q_off.row(i), k.row(j), k_off.row(j))) return false;
    }
    return true;
  }

  // Of a column of y, whatever is seen: a mean of values is at most twice the largest (weights off
  // by a third, and their sum).
  bool holds_column(std::int64_t n) const {
    double sum = std::abs(weights_.out.bias[std::size_t(n)]);
    for (std::int64_t k = 0; k < shape_.channels; ++k)
      sum += 2 * most_ * std::abs(weights_.out.weights[std::size_t(k * shape_.channels + n)]);
    return sum <= 0x1p120;
  }
  bool is_nan_column(std::int64_t n) const {
    bool found = std::isnan(weights_.out.bias[std::size_t(n)]);
    for (std::int64_t k = 0; k < shape_.channels; ++k)
      found = found || std::isnan(weights_.out.weights[std::size_t(k * shape_.channels + n)]);
    return found;
  }

 private:
  const multi_head_shape& shape_;
  bool causal_;
  std::span<const double> x_;
  const reference::multi_head_weights<double>& weights_;
  packed_reach qkv_;
  double most_;
};

}  // namespace

// A NaN in a token makes its queries, keys and values NaN, and so every row that sees it, in any
// arithmetic; one in a column of w_out or b_out makes that column of y NaN.
std::vector<bool> promised_of(const multi_head_variant& of, const case_inputs& in) {
  const multi_head_shape shape = multi_head_shape::of(in);
  const reference::multi_head_weights<double> weights = weights_of(in);
  std::vector<bool> all;
  for (std::int64_t b = 0; b < shape.batch && shape.channels > 0; ++b) {
    const batch_reach reach(shape, of.causal, shape.tokens_of(in, b), weights,
                            in.id.types[k_x].type);
    for (std::int64_t i = 0; i < shape.tokens; ++i) {
      const bool nan = reach.sees_nan(i), row = nan || reach.holds(i);
      for (std::int64_t n = 0; n < shape.channels; ++n)
        all.push_back(nan || reach.is_nan_column(n) || (row && reach.holds_column(n)));
    }
  }
  return all;
}

}  // namespace assay::properties
