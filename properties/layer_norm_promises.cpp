#include "properties/layer_norm_promises.hpp"

#include "properties/finite.hpp"
#include "properties/layer_norm_rows.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr double k_largest = 0x1p126;

bool promised_row(std::span<const double> x, double eps, bool textbook) {
  if (x.empty() || !all_finite(x)) return true;
  const double n = double(x.size()), pivot = textbook ? 0 : x[0];
  double largest = 0, off = 0;
  for (double each : x) {
    largest = std::max(largest, std::abs(each));
    off = std::max(off, std::abs(each - pivot));
  }
  // Distances from the mean are at most twice those from any number among the row's, or the
  // largest.
  if (!(4 * n * off * off <= k_largest) || !(largest <= k_largest)) return false;
  const reference::row_statistics<double> own = reference::statistics_of_row(x, eps);
  const double v = own.rstd == 0 ? 0 : 1 / (own.rstd * own.rstd);
  const bool constant = std::all_of(x.begin(), x.end(), [&](double each) { return each == x[0]; });
  if (!(v >= 0x1p-100) && !(constant && eps == 0)) return false;
  const double error = (n / 256 + 16) * 0x1p-24 * largest;
  return !textbook || error * error <= v / 4;
}

// NaN and infinity go their way; what counts is how large the numbers beside them become.
double finite_size(double x) { return std::isfinite(x) ? std::abs(x) : 0; }

bool promised_gradient_row(const layer_norm_gradient_inputs& given, std::int64_t r) {
  const auto dy = given.shape.row(given.dy, r), x = given.shape.row(given.x, r);
  const auto [mean, rstd] = given.statistics(r);
  bool undefined = std::isnan(mean) || std::isnan(rstd);
  double most_off = 0, most_w = 0, sum = 0, dot = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double w = dy[j] * given.gamma[j], off = std::abs(x[j] - mean);
    undefined = undefined || std::isnan(w);
    most_off = std::max(most_off, off);
    most_w = std::max(most_w, std::abs(w));
    sum += std::abs(w);
    dot += std::abs(w) * off * std::abs(rstd);
  }
  if (undefined) return true;  // all of it is NaN
  const double n = double(std::max<std::size_t>(x.size(), 1)),
               most_xhat = most_off * std::abs(rstd);
  const double inner = most_w + sum / n + most_xhat * dot / n;
  double added = 0;
  if (given.dsum)
    for (double each : given.shape.row(*given.dsum, r)) added = std::max(added, finite_size(each));
  return most_off <= k_largest && most_xhat <= k_largest && sum <= k_largest && dot <= k_largest &&
         inner <= k_largest && inner * std::abs(rstd) <= k_largest && added <= k_largest;
}

bool promised_channel(const layer_norm_gradient_inputs& given, std::size_t j, bool with_xhat) {
  double sum = 0;
  for (std::int64_t r = 0; r < given.shape.rows; ++r) {
    const std::size_t at = std::size_t(r * given.shape.length) + j;
    const auto [mean, rstd] = given.statistics(r);
    const double off = with_xhat ? given.x[at] - mean : 1, xhat = with_xhat ? off * rstd : 1;
    if (finite_size(off) > k_largest || finite_size(xhat) > k_largest) return false;
    sum += finite_size(given.dy[at] * xhat);
  }
  return sum <= k_largest;
}

}  // namespace

std::vector<bool> promised_results(bool residual, bool textbook, const case_inputs& in,
                                   std::size_t output) {
  const layer_norm_inputs given = layer_norm_inputs::of(in, residual);
  std::vector<bool> promised;
  if (residual && output == 0) return std::vector<bool>(given.x.size(), true);
  const bool of_elements = output == (residual ? 1 : 0);
  for (std::int64_t r = 0; r < given.shape.rows; ++r) {
    const bool row = promised_row(given.shape.row(given.x, r), given.eps, textbook);
    if (!of_elements) {
      promised.push_back(row);
      continue;
    }
    const double most = std::sqrt(double(given.shape.length));  // of |xhat|
    for (std::size_t j = 0; j < given.gamma.size(); ++j)
      promised.push_back(row && finite_size(given.gamma[j]) * most <= k_largest &&
                         finite_size(given.beta[j]) <= k_largest);
  }
  return promised;
}

std::vector<bool> promised_gradients(bool residual, const case_inputs& in, std::size_t output) {
  const auto given = layer_norm_gradient_inputs::of(in, residual);
  std::vector<bool> promised;
  if (output > 0) {
    for (std::size_t j = 0; j < std::size_t(given.shape.length); ++j)
      promised.push_back(promised_channel(given, j, output == 1));
    return promised;
  }
  for (std::int64_t r = 0; r < given.shape.rows; ++r)
    promised.insert(promised.end(), std::size_t(given.shape.length),
                    promised_gradient_row(given, r));
  return promised;
}

}  // namespace assay::properties
