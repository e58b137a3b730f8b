#include "bench/change_point.hpp"

#include "bench/rank_test.hpp"
#include "bench/verdict.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace assay::bench {
namespace {

constexpr int k_orders = 1999;

// Twice the middle ranks, so that they are whole numbers.
std::vector<std::int64_t> twice_ranks(std::span<const double> values) {
  std::vector<std::int64_t> ranks;
  for (const double x : values) {
    std::int64_t twice = 1;
    for (const double other : values) twice += (other < x ? 2 : 0) + (other == x ? 1 : 0);
    ranks.push_back(twice);
  }
  return ranks;
}

struct cut {
  std::int64_t statistic = -1;
  std::size_t at = 0;
};

// The cut with the largest |sum of the ranks before it - what that is on average|.
cut best_cut(const std::vector<std::int64_t>& ranks) {
  const auto n = std::int64_t(ranks.size());
  cut best;
  std::int64_t sum = 0;
  for (std::int64_t t = 1; t < n; ++t) {
    sum += ranks[std::size_t(t - 1)] - (n + 1);
    if (std::abs(sum) > best.statistic) best = {std::abs(sum), std::size_t(t)};
  }
  return best;
}

void search(std::span<const double> all, std::size_t begin, std::size_t end, double level,
            std::vector<change_point>& found) {
  if (end - begin < 4) return;
  std::vector<std::int64_t> ranks = twice_ranks(all.subspan(begin, end - begin));
  const cut best = best_cut(ranks);
  std::mt19937_64 random(1);
  int as_large = 0;
  const int most = int(std::floor(level * (k_orders + 1))) - 1;  // that leave it significant
  for (int order = 0; order < k_orders && as_large <= most; ++order) {
    for (std::size_t i = ranks.size(); i > 1; --i) std::swap(ranks[i - 1], ranks[random() % i]);
    as_large += best_cut(ranks).statistic >= best.statistic;
  }
  if (as_large > most) return;
  const std::size_t at = begin + best.at;
  search(all, begin, at, level, found);
  found.push_back({at, double(as_large + 1) / (k_orders + 1), 0, 0});
  search(all, at, end, level, found);
}

double level_between(std::span<const double> series, std::size_t begin, std::size_t end) {
  const auto part = series.subspan(begin, end - begin);
  return median({part.begin(), part.end()});
}

}  // namespace

std::vector<change_point> change_points(std::span<const double> series, double level) {
  std::vector<change_point> found;
  search(series, 0, series.size(), level, found);
  for (std::size_t i = 0; i < found.size();) {
    const std::size_t begin = i ? found[i - 1].at : 0;
    const std::size_t end = i + 1 < found.size() ? found[i + 1].at : series.size();
    change_point& here = found[i];
    here.before = level_between(series, begin, here.at);
    here.after = level_between(series, here.at, end);
    const double ratio = here.after / here.before;
    if (std::max(ratio, 1 / ratio) - 1 >= k_least_effect) {
      ++i;
      continue;
    }
    found.erase(found.begin() + std::ptrdiff_t(i));  // its neighbours' levels become longer
    if (i) --i;
  }
  return found;
}

}  // namespace assay::bench
