#include "reference/layer_norm.hpp"

namespace assay::reference {
namespace {

constexpr double k_u = k_unit_roundoff<double>;
constexpr double k_products = 1 + 0x1p-20;  // of errors with errors

bool all_finite(std::span<const double> x) {
  return std::all_of(x.begin(), x.end(), [](double each) { return is_finite(each); });
}

/// An approximation, but for what is no number: there is nothing to be off by.
approximation stated(double value, double error) {
  return {value, is_finite(value) ? error * k_products : 0};
}

/// What Sum2 adds up, before it is one double, and the bound of Dot2Err (exact.hpp) on it: `lost`
/// is a sum of n terms, each addition of which rounds.
struct sum_in_two {
  double sum = 0, lost = 0, error = 0;
};

sum_in_two sum_in_two_of(std::span<const double> x) {
  sum_in_two all;
  double magnitudes = 0;
  for (double term : x) {
    const auto [value, error] = two_sum(all.sum, term);
    all.sum = value;
    all.lost += error;
    magnitudes += std::abs(error);
  }
  all.error = 2 * double(x.size()) * k_u * magnitudes;
  return all;
}

/// The mean of a row of finite numbers as two doubles, with a bound on their sum's distance from
/// it.
struct mean_in_two {
  double high = 0, low = 0, error = 0;

  static mean_in_two of(std::span<const double> x) {
    if (x.empty()) return {};
    const sum_in_two total = sum_in_two_of(x);
    const double n = double(x.size()), high = (total.sum + total.lost) / n;
    const double left = std::fma(-high, n, total.sum), rest = left + total.lost, low = rest / n;
    return {
        high, low,
        (total.error + 2 * k_u * (std::abs(left) + std::abs(rest))) / n + 2 * k_u * std::abs(low)};
  }
  /// x - mean, and the error that is its own.
  approximation below(double x) const {
    const auto [difference, lost] = two_sum(x, -high);
    const double rest = lost - low, value = difference + rest;
    return {value, 2 * k_u * (std::abs(value) + std::abs(rest))};
  }
};

/// Of the distances from a mean of which all are off by up to `common` more: the mean square.
approximation mean_square(const std::vector<approximation>& off, double common) {
  std::vector<double> squares;
  double own = 0, spread = 0;
  for (const approximation& d : off) {
    squares.push_back(d.value * d.value);
    own += d.error;
    spread += 2 * std::abs(d.value) * d.error + d.error * d.error;
  }
  const double n = double(std::max<std::size_t>(off.size(), 1)), sum = sum2(squares);
  const double error =
      spread + 2 * common * own + n * common * common + 4 * k_u * sum + 2 * n * n * k_u * k_u * sum;
  return {sum / n, error / n + k_u * sum / n};
}

approximation inverse_root(double v, double error) {
  if (v == 0 && error == 0) return {0, 0};
  const double least = v - error, value = 1 / std::sqrt(v);
  if (!(least > 0)) return {value, k_infinity};
  return {value, (0.5 * error / (least * std::sqrt(least)) + 3 * k_u * value) * k_products};
}

}  // namespace

layer_norm_results layer_norm_with_error(std::span<const double> x, std::span<const double> gamma,
                                         std::span<const double> beta, double eps) {
  const approximation none{k_nan, 0};
  if (!all_finite(x)) return {none, none, std::vector<approximation>(x.size(), none)};
  const mean_in_two mean = mean_in_two::of(x);
  std::vector<approximation> off;
  for (double each : x) off.push_back(mean.below(each));
  const approximation variance = mean_square(off, mean.error);
  const double v = variance.value + eps, middle = mean.high + mean.low;
  const approximation rstd =
      inverse_root(v, variance.error + (variance.value == 0 || eps == 0 ? 0 : k_u * v));
  layer_norm_results all{stated(middle, mean.error + k_u * std::abs(middle)), rstd, {}};
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double distance = off[j].error + mean.error, xhat = off[j].value * rstd.value,
                 product = gamma[j] * xhat, y = product + beta[j];
    const double error = distance * rstd.value + std::abs(off[j].value) * rstd.error +
                         distance * rstd.error + 2 * k_u * std::abs(xhat);
    all.y.push_back(stated(y, std::abs(gamma[j]) * error + k_u * std::abs(y)));
  }
  return all;
}

std::vector<approximation> layer_norm_gradient_with_error(std::span<const double> dy,
                                                          std::span<const double> x,
                                                          std::span<const double> gamma,
                                                          const row_statistics<double>& given) {
  const double n = double(std::max<std::size_t>(x.size(), 1));
  const std::vector<double> xhat = normalized(x, given);
  std::vector<double> w, terms;
  double magnitude = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    w.push_back(gamma[j] * dy[j]);
    terms.push_back(w[j] * xhat[j]);
    magnitude += std::abs(terms[j]);
  }
  const approximation sum = sum_with_error(w), dot = sum_with_error(terms);
  const double a = sum.value / n, b = dot.value / n;
  std::vector<approximation> dx;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double product = xhat[j] * b, value = given.rstd * (w[j] - a - product);
    const double carried = (sum.error + std::abs(xhat[j]) * (dot.error + 3 * k_u * magnitude)) / n;
    const double rounded = 8 * k_u * (std::abs(w[j]) + std::abs(a) + std::abs(product));
    dx.push_back(stated(value, std::abs(given.rstd) * (carried + rounded)));
  }
  return dx;
}

approximation layer_norm_gamma_gradient(std::span<const double> dy, std::span<const double> x,
                                        std::span<const row_statistics<double>> given) {
  std::vector<double> terms;
  double magnitude = 0;
  for (std::size_t r = 0; r < dy.size(); ++r) {
    terms.push_back(dy[r] * ((x[r] - given[r].mean) * given[r].rstd));
    magnitude += std::abs(terms[r]);
  }
  const approximation sum = sum_with_error(terms);
  return stated(sum.value, sum.error + 3 * k_u * magnitude);
}

approximation sum_with_error(std::span<const double> terms) {
  const sum_in_two all = sum_in_two_of(terms);
  const double value = is_finite(all.sum) ? all.sum + all.lost : all.sum;
  return stated(value, all.error + k_u * std::abs(value));
}

}  // namespace assay::reference
