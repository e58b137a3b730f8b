// Choosing the next token: exact cases, and the frequencies of many draws.

#include "tools/gpt2/next_token.hpp"

#include "tools/gpt2/test/support.hpp"

#include <cmath>
#include <limits>

namespace assay::gpt2 {
namespace {

constexpr double k_none = -std::numeric_limits<double>::infinity();

std::vector<double> kept(const std::vector<double>& logits, double temperature, std::int64_t k,
                         double p) {
  return reference::kept_probabilities<double>(logits, {temperature, k, p});
}

std::vector<bool> alive(const std::vector<double>& probabilities) {
  std::vector<bool> all;
  for (const double each : probabilities) all.push_back(each > 0);
  return all;
}

TEST(next_token, greedy_takes_the_first_of_the_largest) {
  const std::vector<double> logits = {-3, -1, -1, k_none, -2};
  EXPECT_EQ(next_token(logits, {.greedy = true}, 0, 0), 1);
  EXPECT_EQ(next_token(logits, {.by = {.temperature = 0}}, 0, 0), 1);
}

TEST(next_token, one_live_token_is_always_taken) {
  const std::vector<double> logits = {k_none, k_none, -700, k_none};
  for (std::int64_t position = 0; position < 50; ++position)
    EXPECT_EQ(next_token(logits, {.by = {2.0, 3, 0.9}}, 0, position), 2);
}

TEST(next_token, top_k_keeps_ties_and_may_exceed_the_vocabulary) {
  const std::vector<double> logits = {1, 3, 2, 2, 0};
  EXPECT_EQ(alive(kept(logits, 1, 1, 1)), (std::vector<bool>{false, true, false, false, false}));
  EXPECT_EQ(alive(kept(logits, 1, 2, 1)), (std::vector<bool>{false, true, true, true, false}));
  EXPECT_EQ(kept(logits, 1, 50, 1), kept(logits, 1, 0, 1));
  EXPECT_EQ(kept(logits, 1, 5, 1), kept(logits, 1, 0, 1));
}

// Probabilities 1/2, 1/4, 1/8, 1/8.
TEST(next_token, top_p_keeps_the_smallest_set_with_the_share) {
  const std::vector<double> logits = {std::log(1.0), std::log(4.0), std::log(2.0), std::log(1.0)};
  EXPECT_EQ(alive(kept(logits, 1, 0, 0)), (std::vector<bool>{false, true, false, false}));
  EXPECT_EQ(alive(kept(logits, 1, 0, 0.4)), (std::vector<bool>{false, true, false, false}));
  EXPECT_EQ(alive(kept(logits, 1, 0, 0.7)), (std::vector<bool>{false, true, true, false}));
  EXPECT_EQ(alive(kept(logits, 1, 0, 0.8)), (std::vector<bool>{true, true, true, false}));
  EXPECT_EQ(alive(kept(logits, 1, 0, 1)), (std::vector<bool>{true, true, true, true}));
  // Of what top-k leaves: 2/3 and 1/3.
  EXPECT_EQ(alive(kept(logits, 1, 2, 0.6)), (std::vector<bool>{false, true, false, false}));
}

TEST(next_token, there_is_none_where_no_logit_is_finite_or_one_is_no_number) {
  for (const std::vector<double>& logits :
       {std::vector<double>{k_none, k_none}, {1, std::nan("")}, {-k_none, 1}})
    for (const bool greedy : {true, false})
      EXPECT_EQ(test::refusal_of([&] { next_token(logits, {.greedy = greedy}, 0, 3); }),
                "no token can follow at position 3: a logit is no number, or none is finite");
}

TEST(next_token, a_draw_knows_its_seed_sequence_and_position_alone) {
  const std::vector<double> logits(1000, 0.0);
  const auto drawn = [&](std::uint64_t seed, std::uint32_t sequence, std::int64_t position) {
    return next_token(logits, {.seed = seed}, sequence, position);
  };
  EXPECT_EQ(drawn(1, 2, 3), drawn(1, 2, 3));
  EXPECT_NE(drawn(1, 2, 3), drawn(2, 2, 3));
  EXPECT_NE(drawn(1, 2, 3), drawn(1, 3, 3));
  EXPECT_NE(drawn(1, 2, 3), drawn(1, 2, 4));
}

// G = 2 sum n log(n / expected) is chi-squared with cells - 1 degrees of freedom (Sokal, Rohlf,
// "Biometry", section 17.2). A draw is fixed, so this fails always or never: for 4 degrees the
// value is exceeded by chance once in 10^6.
TEST(next_token, draws_have_the_frequencies_of_the_probabilities) {
  constexpr double k_once_in_a_million = 33.377;
  constexpr std::int64_t k_draws = 100000;
  const std::vector<double> logits = {0, 1, k_none, 2, -1, 0.5};
  for (const double temperature : {1.0, 0.7, 3.0}) {
    const std::vector<double> p = kept(logits, temperature, 0, 1);
    std::vector<double> counts(p.size(), 0);
    for (std::int64_t i = 0; i < k_draws; ++i)
      ++counts[std::size_t(next_token(logits, {.by = {temperature}, .seed = 4}, 1, i))];
    double g = 0;
    for (std::size_t j = 0; j < p.size(); ++j)
      if (counts[j] > 0) g += 2 * counts[j] * std::log(counts[j] / (p[j] * double(k_draws)));
    EXPECT_LT(g, k_once_in_a_million) << temperature;
    EXPECT_EQ(counts[2], 0);
  }
}

}  // namespace
}  // namespace assay::gpt2
