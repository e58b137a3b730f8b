#include "bench/rank_test.hpp"

#include <boost/math/special_functions/erf.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace assay::bench {
namespace {

// P(Z <= z) of a standard normal.
double normal_cumulative(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }
double normal_quantile(double p) { return -std::sqrt(2.0) * boost::math::erfc_inv(2 * p); }

struct ranked {
  double u = 0;     // pairs in which the second is the smaller; half a pair for equal ones
  double ties = 0;  // sum of t^3 - t over groups of t equal values
};

ranked rank(std::span<const double> first, std::span<const double> second) {
  std::vector<std::pair<double, bool>> all;
  for (double x : first) all.emplace_back(x, true);
  for (double x : second) all.emplace_back(x, false);
  std::sort(all.begin(), all.end());
  ranked result;
  double rank_sum = 0;  // of the first sample
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i;
    while (end < all.size() && all[end].first == all[i].first) ++end;
    const double t = double(end - i), middle = double(i + end + 1) / 2;
    result.ties += t * t * t - t;
    for (; i < end; ++i)
      if (all[i].second) rank_sum += middle;
  }
  const double n = double(first.size());
  result.u = rank_sum - n * (n + 1) / 2;
  return result;
}

double deviation(double n, double m, double ties) {
  const double all = n + m;
  return std::sqrt(n * m / 12 * (all + 1 - ties / (all * (all - 1))));
}

}  // namespace

u_distribution::u_distribution(std::size_t n, std::size_t m) {
  // P(u; n, m) = n / (n + m) P(u - m; n - 1, m) + m / (n + m) P(u; n, m - 1): the largest of all is
  // of the first sample, and then above all m of the second, or it is of the second. row[j] is
  // P(.; i, j).
  std::vector<std::vector<double>> row(m + 1, std::vector<double>{1.0});
  for (std::size_t i = 1; i <= n; ++i) {
    row[0] = {1.0};
    for (std::size_t j = 1; j <= m; ++j) {
      const std::vector<double> before = std::move(row[j]);  // of i - 1
      std::vector<double> now(i * j + 1, 0.0);
      const double first = double(i) / double(i + j), second = double(j) / double(i + j);
      for (std::size_t u = 0; u < before.size(); ++u) now[u + j] += first * before[u];
      for (std::size_t u = 0; u < row[j - 1].size(); ++u) now[u] += second * row[j - 1][u];
      row[j] = std::move(now);
    }
  }
  cumulative_ = std::move(row[m]);
  std::partial_sum(cumulative_.begin(), cumulative_.end(), cumulative_.begin());
}

double u_distribution::relative_error(std::size_t n, std::size_t m) {
  const double roundings = double(3 * (n + m) + n * m) * 0x1p-53;
  return roundings / (1 - roundings);
}

double u_distribution::cumulative(std::size_t u) const {
  return u >= cumulative_.size() ? 1.0 : std::min(cumulative_[u], 1.0);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

rank_comparison compare_ranks(std::span<const double> first, std::span<const double> second,
                              double level) {
  const std::size_t n = first.size(), m = second.size(), pairs = n * m;
  const ranked ranks = rank(first, second);
  const double mean = double(pairs) / 2;
  rank_comparison result;
  // How many of the sorted differences lie outside the interval on each side.
  std::size_t outside = 0;
  if (ranks.ties == 0 && pairs <= k_most_exact) {
    const u_distribution of(n, m);
    const double tail = std::min(ranks.u, double(pairs) - ranks.u);
    result.p = std::min(1.0, 2 * of.cumulative(std::size_t(tail)));
    while (outside < pairs / 2 && of.cumulative(outside) <= level / 2) ++outside;
  } else {
    const double s = deviation(double(n), double(m), ranks.ties);
    const double distance = std::max(std::abs(ranks.u - mean) - 0.5, 0.0);
    result.p = s > 0 ? std::min(1.0, 2 * normal_cumulative(-distance / s)) : 1.0;
    outside = std::size_t(std::max(std::floor(mean + normal_quantile(level / 2) * s + 0.5), 0.0));
  }
  std::vector<double> differences;
  differences.reserve(pairs);
  for (double b : second)
    for (double a : first) differences.push_back(b - a);
  std::sort(differences.begin(), differences.end());
  result.shift = (differences[(pairs - 1) / 2] + differences[pairs / 2]) / 2;
  constexpr double k_infinity = std::numeric_limits<double>::infinity();
  result.low = outside ? differences[outside - 1] : -k_infinity;
  result.high = outside ? differences[pairs - outside] : k_infinity;
  return result;
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
  std::vector<double> adjusted(p.size());
  double least = 1;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const double rank = double(p.size() - k);
    least = std::min(least, p[order[k]] * double(p.size()) / rank);
    adjusted[order[k]] = least;
  }
  return adjusted;
}

}  // namespace assay::bench
