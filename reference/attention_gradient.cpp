#include "reference/attention_gradient.hpp"

#include "reference/exponentials.hpp"

#include <cmath>

namespace assay::reference {
namespace {

using namespace detail;

/// A sum on its way: what it is, what its terms are off by together, and their magnitudes.
struct running_sum {
  double value = 0, error = 0, magnitude = 0;
  std::int64_t terms = 0;

  void add(const approximation& by, double x) {
    const double term = by.value * x;
    value += term;
    magnitude += std::abs(term);
    error += by.error * std::abs(x) + k_lost;
    ++terms;
  }
  /// With one rounding more, of a product with something `off`, relative.
  approximation times(double scale, double off) const {
    const double result = value * scale;
    if (!std::isfinite(result)) return {result, 0};
    const double n = double(terms) + 2;
    return {result, (scale * (error + 2 * n * k_u * magnitude) + (off + k_u) * std::abs(result)) *
                            k_products +
                        k_lost};
  }
};

std::vector<approximation> finished(const std::vector<running_sum>& sums, double scale,
                                    double off) {
  std::vector<approximation> all;
  for (const running_sum& each : sums) all.push_back(each.times(scale, off));
  return all;
}

/// p of a pair. Of an exponent that is not finite it has no error.
approximation weight_of(const approximation& dot, double scale, double scale_error, double bias,
                        double lse) {
  const double product = dot.value * scale, s = product + bias, t = s - lse,
               p = special<double>::exp(t);
  if (!is_finite(t)) return {p, 0};
  const double sum = bias == 0 ? 0 : k_u * std::abs(s);
  const double off =
      dot.error * scale + (k_u + scale_error) * std::abs(product) + sum + k_u * std::abs(t);
  return {p, p * (std::expm1(off) + k_q) * k_products + k_lost};
}

/// ds of a pair: p g, g = dp - delta.
approximation score_gradient(const approximation& p, const approximation& g) {
  const double ds = p.value * g.value;
  return {ds, ((p.value + p.error) * g.error + p.error * std::abs(g.value) + k_u * std::abs(ds)) *
                      k_products +
                  k_lost};
}

/// g of a row's pairs as one dot product, of (grad, grad) with (v, -o): where v is nearly o, as of
/// the only key with weight, two products by themselves would leave nothing but their errors.
class pair_gradient {
 public:
  pair_gradient(std::span<const double> grad, std::span<const double> o)
      : grads_(grad.begin(), grad.end()), values_(grad.size()) {
    grads_.insert(grads_.end(), grad.begin(), grad.end());
    for (const double each : o) values_.push_back(-each);
  }
  approximation of(std::span<const double> v) {
    std::copy(v.begin(), v.end(), values_.begin());
    return dot2(grads_, values_);
  }

 private:
  std::vector<double> grads_, values_;
};

}  // namespace

attention_gradients<approximation> attention_gradient_with_error(
    const attention_results<double>& of, double scale, double scale_error) {
  const std::int64_t width = of.q.width;
  std::vector<running_sum> dq(std::size_t(of.q.count * width)), dk(std::size_t(of.k.count * width)),
      dv(dk.size());
  for (std::int64_t i = 0; i < of.q.count; ++i) {
    const double lse = of.lse[std::size_t(i)];
    if (lse == -k_infinity) continue;
    const auto q = of.q.row(i), grad = of.grad.row(i);
    pair_gradient g(grad, of.o.row(i));
    const key_range seen = of.seen[std::size_t(i)];
    const std::span<const double> bias = of.biases(i);
    for (std::int64_t j = seen.first; j < seen.last; ++j) {
      if (!is_there(bias, j)) continue;
      const approximation dot = dot2(q, of.k.row(j));
      const double b = bias.empty() ? 0 : bias[std::size_t(j)];
      const approximation p = weight_of(dot, scale, scale_error, b, lse),
                          ds = score_gradient(p, g.of(of.v.row(j)));
      for (std::int64_t d = 0; d < width; ++d) {
        const auto at = std::size_t(d), row = std::size_t(i * width + d),
                   key = std::size_t(j * width + d);
        dq[row].add(ds, of.k.row(j)[at]);
        dk[key].add(ds, q[at]);
        dv[key].add(p, grad[at]);
      }
    }
  }
  return {finished(dq, scale, scale_error), finished(dk, scale, scale_error), finished(dv, 1, 0)};
}

}  // namespace assay::reference
