#include "reference/multi_head.hpp"

#include "reference/exponentials.hpp"

#include <algorithm>
#include <cmath>

namespace assay::reference {
namespace {

using namespace detail;

struct values_with_error {
  std::vector<double> value, error;

  std::span<const double> values() const { return value; }
  std::span<const double> errors() const { return error; }
};

// x W + b, the elements of x being off by `errors`.
values_with_error linear_with_error(const values_with_error& x, const linear_map<double>& map) {
  const std::size_t in = map.in(), out = map.out();
  values_with_error y{linear(x.values(), map), {}};
  const double relative = double(in + 1) * k_u * k_products;
  for (std::size_t row = 0; in > 0 && row < x.value.size() / in; ++row) {
    std::vector<double> error(out);
    for (std::size_t n = 0; n < out; ++n) error[n] = relative * std::abs(map.bias[n]) + k_lost;
    for (std::size_t k = 0; k < in; ++k) {
      const double per_weight =
          relative * std::abs(x.value[row * in + k]) + x.error[row * in + k] * k_products;
      for (std::size_t n = 0; n < out; ++n)
        error[n] += per_weight * std::abs(map.weights[k * out + n]);
    }
    for (std::size_t n = 0; n < out; ++n)
      y.error.push_back(is_finite(y.value[row * out + n]) ? error[n] : 0);
  }
  return y;
}

// A head's queries, keys or values, and what they are off by.
struct head_with_error {
  head_matrix<double> value, error;

  head_with_error(const values_with_error& qkv, std::int64_t channels, std::int64_t heads,
                  std::int64_t head, packed_part part)
      : value(packed_head(qkv.values(), channels, heads, head, part)),
        error(packed_head(qkv.errors(), channels, heads, head, part)) {}
};

// The largest error of a row's scores.
double off_by(const head_with_error& q, std::int64_t i, const head_with_error& k, std::int64_t seen,
              double scale) {
  const auto x = q.value.row(i), x_off = q.error.row(i);
  double most = 0;
  for (std::int64_t j = 0; j < seen; ++j) {
    const auto y = k.value.row(j), y_off = k.error.row(j);
    double off = 0;
    for (std::size_t d = 0; d < x.size(); ++d)
      off += x_off[d] * (std::abs(y[d]) + y_off[d]) + std::abs(x[d]) * y_off[d];
    most = std::max(most, off * scale * k_products);
  }
  return most;
}

// Adds to each element of a row of outputs what scores that are off by `off` make of it.
void enlarge(std::vector<approximation>& o, const head_with_error& v, std::int64_t seen,
             double off) {
  for (std::size_t d = 0; d < o.size(); ++d) {
    if (!is_finite(o[d].value)) continue;
    double most = 0, most_off = 0;
    for (std::int64_t j = 0; j < seen; ++j) {
      most = std::max(most, std::abs(v.value.row(j)[d]));
      most_off = std::max(most_off, v.error.row(j)[d]);
    }
    o[d].error += (std::expm1(2 * off) * most + std::exp(2 * off) * most_off) * k_products;
  }
}

}  // namespace

std::vector<approximation> multi_head_with_error(std::span<const double> x,
                                                 const multi_head_weights<double>& weights,
                                                 std::int64_t heads, bool causal) {
  const auto channels = std::int64_t(weights.out.out());
  if (channels == 0) return {};
  const double scale = 1 / std::sqrt(double(channels / heads));
  const values_with_error qkv =
      linear_with_error({{x.begin(), x.end()}, std::vector<double>(x.size())}, weights.qkv);
  values_with_error joined{std::vector<double>(x.size()), std::vector<double>(x.size())};
  for (std::int64_t h = 0; h < heads; ++h) {
    const auto part = [&](packed_part which) {
      return head_with_error(qkv, channels, heads, h, which);
    };
    const head_with_error q = part(packed_part::queries), k = part(packed_part::keys),
                          v = part(packed_part::values);
    for (std::int64_t i = 0; i < q.value.count; ++i) {
      const std::int64_t seen = tokens_seen(causal, i, q.value.count);
      // A square root and a quotient: off by 2 u.
      attended_with_error row = attend_with_error(q.value.row(i), k.value.rows(0, seen),
                                                  v.value.rows(0, seen), scale, 2 * k_u);
      enlarge(row.o, v, seen, off_by(q, i, k, seen, scale));
      for (std::size_t d = 0; d < row.o.size(); ++d) {
        const std::size_t at = std::size_t(i * channels + h * q.value.width) + d;
        joined.value[at] = row.o[d].value, joined.error[at] = row.o[d].error;
      }
    }
  }
  const values_with_error y = linear_with_error(joined, weights.out);
  std::vector<approximation> all;
  for (std::size_t i = 0; i < y.value.size(); ++i) all.push_back({y.value[i], y.error[i]});
  return all;
}

}  // namespace assay::reference
