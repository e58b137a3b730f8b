#include "properties/multi_head_sensitivity.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

using reference::head_matrix;
using packed = head_matrix<running::value>;

// The exponents below this are of weights that a kernel flushes, whose errors are no multiples of
// their scores': nothing is taken for them.
constexpr double k_flushed = -100;
// What is taken away is computed in double, which must not make it larger.
constexpr double k_computed = 1 - 0x1p-40;

// Of a row's weights: what they are, and their scores' errors.
struct row_weights {
  std::vector<double> p, off;
  double most_off = 0, least_sum = 0;  // least_sum: sum p e^-off

  row_weights(std::span<const running::value> q, const packed& keys) {
    const double scale = 1 / std::sqrt(double(q.size()));
    double most = -reference::k_infinity, sum = 0;
    for (std::int64_t j = 0; j < keys.count; ++j) {
      const auto k = keys.row(j);
      double score = 0, error = 0;
      for (std::size_t d = 0; d < q.size(); ++d) {
        score += q[d].center * k[d].center;
        error += std::abs(q[d].center) * k[d].after + std::abs(k[d].center) * q[d].after +
                 q[d].after * k[d].after;
      }
      p.push_back(score * scale);
      off.push_back(error * scale);
      most = std::max(most, p.back());
      most_off = std::max(most_off, off.back());
    }
    for (double& each : p) {
      each -= most;
      exponents_.push_back(each);
      each = std::exp(each);
      sum += each;
    }
    for (std::size_t j = 0; j < p.size(); ++j) {
      p[j] /= sum;
      least_sum += p[j] * std::exp(-off[j]);
    }
  }

  // A_j: how far, relative, an exponential was taken to be off for its score.
  double taken(std::size_t j) const {
    return exponents_[j] < k_flushed ? 0 : off[j] * std::exp(off[j]);
  }

 private:
  std::vector<double> exponents_;
};

// Of one head: values as columns of W_out have them, and what they are off by.
struct projected_values {
  std::vector<double> u, off;  // [tokens, columns]
  std::size_t columns;

  projected_values(const packed& values, std::span<const double> w_out, std::size_t count)
      : u(std::size_t(values.count) * count), off(u.size()), columns(count) {
    for (std::int64_t j = 0; j < values.count; ++j)
      for (std::size_t d = 0; d < values.row(j).size(); ++d)
        for (std::size_t n = 0; n < columns; ++n) {
          const double w = w_out[d * columns + n];
          const std::size_t at = std::size_t(j) * columns + n;
          u[at] += values.row(j)[d].center * w;
          off[at] += values.row(j)[d].after * std::abs(w);
        }
  }
};

// What was taken for the errors of a row's queries, keys and values, in one channel of its mean.
double taken_for(const row_weights& row, const packed& values, std::size_t d, double sum_off,
                 attention_algorithm kind) {
  double mean = 0, off = 0;
  for (std::size_t j = 0; j < row.p.size(); ++j) {
    const running::value& v = values.row(std::int64_t(j))[d];
    const double a = row.taken(j);
    const double weight_off = kind == attention_algorithm::naive ? a + sum_off + a * sum_off : a;
    mean += row.p[j] * v.center;
    off += row.p[j] * (weight_off * (std::abs(v.center) + v.after) + v.after);
  }
  return kind == attention_algorithm::naive ? off : off + (std::abs(mean) + off) * sum_off;
}

// What those errors can do to one output, of a head.
double brought_to(const row_weights& row, const projected_values& values, std::size_t n) {
  double mean = 0, moved = 0, off = 0;
  for (std::size_t j = 0; j < row.p.size(); ++j)
    mean += row.p[j] * values.u[j * values.columns + n];
  for (std::size_t j = 0; j < row.p.size(); ++j) {
    const std::size_t at = j * values.columns + n;
    moved += row.p[j] * std::expm1(row.off[j]) * std::abs(values.u[at] - mean);
    off += row.p[j] * values.off[at];
  }
  return moved / row.least_sum + std::exp(2 * row.most_off) * off;
}

// Adds what a head of one row has to exchange.
void add_head(std::span<error_exchange> all, const row_weights& row, const packed& values,
              const projected_values& projected, std::span<const double> w_out,
              attention_algorithm kind) {
  double sum = 0;
  for (std::size_t j = 0; j < row.p.size(); ++j) sum += row.p[j] * row.taken(j);
  const double sum_off = sum < 1 ? sum / (1 - sum) : 0;
  for (std::int64_t d = 0; d < values.width; ++d) {
    const double taken = taken_for(row, values, std::size_t(d), sum_off, kind);
    for (std::size_t n = 0; n < all.size(); ++n)
      all[n].taken += taken * std::abs(w_out[std::size_t(d) * all.size() + n]);
  }
  for (std::size_t n = 0; n < all.size(); ++n) all[n].brought += brought_to(row, projected, n);
}

}  // namespace

double error_exchange::of(double followed) const {
  const double narrow = std::max(followed - taken * k_computed, 0.0) + brought;
  return narrow < followed ? narrow : followed;
}

std::vector<error_exchange> error_exchanges(const std::vector<running::value>& qkv,
                                            const multi_head_shape& shape, bool causal,
                                            attention_algorithm kind,
                                            const reference::linear_map<double>& out) {
  const auto columns = std::size_t(shape.channels);
  std::vector<error_exchange> all(std::size_t(shape.elements()));
  for (std::int64_t h = 0; h < shape.heads; ++h) {
    const auto part = [&](reference::packed_part which) {
      return reference::packed_head(std::span<const running::value>(qkv), shape.channels,
                                    shape.heads, h, which);
    };
    const packed q = part(reference::packed_part::queries), k = part(reference::packed_part::keys),
                 v = part(reference::packed_part::values);
    const auto w_out = out.weights.subspan(std::size_t(h * shape.width()) * columns);
    const projected_values projected(v, w_out, columns);
    for (std::int64_t i = 0; i < shape.tokens; ++i) {
      const std::int64_t seen = reference::tokens_seen(causal, i, shape.tokens);
      const row_weights row(q.row(i), k.rows(0, seen));
      add_head(std::span(all).subspan(std::size_t(i) * columns, columns), row, v.rows(0, seen),
               projected, w_out, kind);
    }
  }
  return all;
}

}  // namespace assay::properties
