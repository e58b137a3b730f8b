#include "tools/gpt2/shuffle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

namespace assay::gpt2 {
namespace {

std::vector<std::int64_t> all_of(const shuffle& order, std::int64_t n) {
  std::vector<std::int64_t> elements;
  for (std::int64_t i = 0; i < n; ++i) elements.push_back(order(i));
  return elements;
}

TEST(shuffle, has_every_element_once) {
  for (std::int64_t n = 1; n < 70; ++n)
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const auto elements = all_of(shuffle(n, seed, 3), n);
      const std::set<std::int64_t> seen(elements.begin(), elements.end());
      EXPECT_EQ(std::int64_t(seen.size()), n);
      EXPECT_EQ(*seen.begin(), 0);
      EXPECT_EQ(*seen.rbegin(), n - 1);
    }
}

TEST(shuffle, stays_in_range_where_numbers_are_large) {
  const std::int64_t n = (std::int64_t(1) << 62) - 1;
  const shuffle order(n, 1, 0);
  std::set<std::int64_t> seen;
  for (std::int64_t i = 0; i < 200; ++i)
    for (const std::int64_t place : {i, n - 1 - i}) {
      const std::int64_t element = order(place);
      EXPECT_TRUE(element >= 0 && element < n && seen.insert(element).second);
    }
}

TEST(shuffle, is_another_for_another_seed_or_number) {
  const auto one = all_of(shuffle(100, 1, 1), 100);
  EXPECT_EQ(one, all_of(shuffle(100, 1, 1), 100));
  EXPECT_NE(one, all_of(shuffle(100, 2, 1), 100));
  EXPECT_NE(one, all_of(shuffle(100, std::uint64_t(1) << 32 | 1, 1), 100));
  EXPECT_NE(one, all_of(shuffle(100, 1, 2), 100));
}

// A fixed order must not change from one version to the next: a run would not resume.
TEST(shuffle, is_this_one) {
  EXPECT_EQ(all_of(shuffle(10, 7, 0), 10),
            (std::vector<std::int64_t>{1, 3, 6, 4, 8, 2, 7, 5, 9, 0}));
}

// Pearson's statistic of n counts. Laurent and Massart, "Adaptive estimation of a quadratic
// functional by model selection", Annals of Statistics 2000, lemma 1: chi square with d degrees of
// freedom exceeds d + 2 sqrt(d t) + 2t with probability at most exp(-t); t makes that 1e-9.
void expect_uniform(const std::vector<std::int64_t>& counts) {
  double sum = 0, statistic = 0;
  for (const std::int64_t count : counts) sum += double(count);
  const double expected = sum / double(counts.size());
  for (const std::int64_t count : counts)
    statistic += (double(count) - expected) * (double(count) - expected) / expected;
  const double freedom = double(counts.size() - 1), t = std::log(1e9);
  EXPECT_LT(statistic, freedom + 2 * std::sqrt(freedom * t) + 2 * t);
}

TEST(shuffle, gives_every_order_of_few_elements_as_often) {
  for (const std::int64_t n : {2, 3, 4, 5}) {
    std::map<std::vector<std::int64_t>, std::int64_t> seen;
    std::vector<std::int64_t> identity(static_cast<std::size_t>(n));
    for (std::int64_t i = 0; i < n; ++i) identity[std::size_t(i)] = i;
    do seen[identity] = 0;
    while (std::next_permutation(identity.begin(), identity.end()));
    const auto orders = std::int64_t(seen.size());
    for (std::int64_t i = 0; i < 100 * orders; ++i)
      ++seen[all_of(shuffle(n, std::uint64_t(i / 7), std::uint32_t(i % 7)), n)];
    EXPECT_EQ(std::int64_t(seen.size()), orders);
    std::vector<std::int64_t> counts;
    for (const auto& [order, count] : seen) counts.push_back(count);
    expect_uniform(counts);
  }
}

// Which element comes first, and which comes after a given one.
TEST(shuffle, gives_every_place_and_every_neighbour_as_often) {
  constexpr std::int64_t n = 40;
  std::vector<std::int64_t> first(n), step(n - 1);
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const shuffle order(n, seed, 0);
    const std::int64_t a = order(0), b = order(1);
    ++first[std::size_t(a)];
    ++step[std::size_t((b - a + n) % n) - 1];
  }
  expect_uniform(first);
  expect_uniform(step);
}

}  // namespace
}  // namespace assay::gpt2
