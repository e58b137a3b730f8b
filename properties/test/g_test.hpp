// The G-test: do counts of n independent draws fit probabilities p?
//
//   G = 2 sum count log(count / (n p)) = 2 n D(counts / n, p)
//
// P(G >= g) <= e^(-g / 2) (e g / (2 d))^d of k = d + 1 cells, g > 2 d: Agrawal, "Finite-sample
// concentration of the multinomial in relative entropy", IEEE Transactions on Information Theory
// 66(10), 2020, theorem I.2. It holds for every n and p, so that no cell is too small and none has
// to be pooled; for large n chi-squared's own tail is thinner, which costs power and no alarm.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace assay::properties {

// What G exceeds with a probability of at most `alarm`. Cells: of positive probability, 2 or more.
inline double g_limit(std::size_t cells, double alarm) {
  const auto d = double(cells - 1);
  const auto logarithm = [&](double g) { return -g / 2 + d + d * std::log(g / (2 * d)); };
  double low = 2 * d, high = 4 * d;  // the bound falls from 1 on
  while (logarithm(high) > std::log(alarm)) high *= 2;
  for (int step = 0; step < 60; ++step)
    (logarithm((low + high) / 2) > std::log(alarm) ? low : high) = (low + high) / 2;
  return high;
}

struct g_test {
  double g = 0, limit = 0;
  bool passed() const { return g <= limit; }
};

// counts[j] draws of a cell with probability p[j]; p adds up to 1. A draw of a cell that has none
// is infinitely unlikely.
inline g_test test_frequencies(const std::vector<double>& counts, const std::vector<double>& p,
                               double alarm) {
  double n = 0;
  std::size_t cells = 0;
  for (std::size_t j = 0; j < p.size(); ++j) n += counts[j], cells += p[j] > 0;
  g_test test{0, g_limit(cells, alarm)};
  for (std::size_t j = 0; j < p.size(); ++j) {
    if (counts[j] == 0) continue;
    test.g += p[j] > 0 ? 2 * counts[j] * std::log(counts[j] / (n * p[j]))
                       : std::numeric_limits<double>::infinity();
  }
  return test;
}

}  // namespace assay::properties
