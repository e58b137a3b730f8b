// Two samples compared by ranks, so that no outlier has a say beyond its place in the order: the
// Mann-Whitney U test, the Hodges-Lehmann shift with the interval that belongs to it, and
// Benjamini-Hochberg over many such tests. Nothing here knows what the numbers are.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace assay::bench {

// The distribution of U for samples of n and m from one continuous distribution (Mann and Whitney
// 1947): U is the number of pairs in which the second sample's member is the smaller.
class u_distribution {
 public:
  // n, m >= 1. The recurrence of Mann and Whitney, in double.
  u_distribution(std::size_t n, std::size_t m);
  // How much of a probability it may be off by: n + m steps of three roundings and a sum of n m + 1
  // terms, all positive (Higham 2002, Lemma 3.1).
  static double relative_error(std::size_t n, std::size_t m);
  double cumulative(std::size_t u) const;  // P(U <= u)

 private:
  std::vector<double> cumulative_;
};

struct rank_comparison {
  double p = 1;  // two-sided, of "both samples are of one distribution"
  // Median of all differences (second - first), Hodges and Lehmann 1963; and the interval of those
  // differences at which the test just does not reject at its level (Hollander, Wolfe and Chicken,
  // Nonparametric Statistical Methods, section 4.3): infinite where the samples are too small for
  // the level.
  double shift = 0, low = 0, high = 0;
};

// The p-value is exact where no two values are equal and n m <= k_most_exact; otherwise of the
// normal approximation with the tie correction and continuity correction (same source, section
// 4.1). `level` is that of the interval: it covers the shift with probability 1 - level. Neither
// sample is empty; all values are finite.
inline constexpr std::size_t k_most_exact = 2500;
rank_comparison compare_ranks(std::span<const double> first, std::span<const double> second,
                              double level);

// Adjusted p-values, in the given order: rejecting those <= q keeps the expected share of false
// ones among the rejected at q or below (Benjamini and Hochberg 1995, for independent tests or
// positively dependent ones).
std::vector<double> benjamini_hochberg(std::span<const double> p);

// The median; of an even number, the mean of the middle two. Not of nothing.
double median(std::vector<double> values);

}  // namespace assay::bench
