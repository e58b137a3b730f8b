// Embedding against products with one-hot matrices and against differences; what its own error is.

#include "reference/embedding.hpp"

#include "reference/double_double.hpp"
#include "reference/real50.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

namespace assay::reference {
namespace {

using row50 = std::vector<real50>;
using ids_of = std::vector<std::int64_t>;

const ids_of k_ids = {2,  0, 2,
                      -1, 3, 2};  // two sequences of 3; the third row of 3 is asked for thrice
constexpr std::int64_t k_length = 3, k_tokens = 3, k_positions = 4, k_width = 2;
const ids_of k_places = position_ids(2, k_length);

row50 numbers(std::size_t count, int seed) {
  test::generator random(seed);
  row50 all;
  for (std::size_t i = 0; i < count; ++i) all.emplace_back(random.uniform(-2, 2));
  return all;
}

TEST(embedding, adds_the_rows_of_token_and_position) {
  const row50 tokens = numbers(k_tokens * k_width, 1),
              positions = numbers(k_positions * k_width, 2);
  const row50 x = embedding<real50>(k_ids, k_places, {tokens, k_width}, {positions, k_width});
  ASSERT_EQ(x.size(), k_ids.size() * k_width);
  for (std::size_t k = 0; k < k_ids.size(); ++k)
    for (std::size_t c = 0; c < k_width; ++c) {
      const real50& got = x[k * k_width + c];
      if (k_ids[k] < 0 || k_ids[k] >= k_tokens)
        EXPECT_TRUE(is_nan(got)) << k;
      else
        EXPECT_EQ(got, tokens[std::size_t(k_ids[k]) * k_width + c] +
                           positions[k % k_length * k_width + c]);
    }
}

TEST(embedding, goes_on_behind_what_was_there) {
  EXPECT_EQ(position_ids_behind(ids_of{5, 0, -2}, 3), (ids_of{5, 6, 7, 0, 1, 2, -2, -1, 0}));
  EXPECT_EQ(position_ids_behind(ids_of{0, 0}, k_length), k_places);
  const row50 tokens = numbers(k_tokens * k_width, 1),
              positions = numbers(k_positions * k_width, 2);
  const ids_of ids = {2, 0, 1, 2}, places = {3, 4, -1, 0};  // the table has positions 0 to 3
  const row50 x = embedding<real50>(ids, places, {tokens, k_width}, {positions, k_width});
  for (std::size_t c = 0; c < k_width; ++c) {
    EXPECT_EQ(x[c], tokens[2 * k_width + c] + positions[3 * k_width + c]);
    EXPECT_TRUE(is_nan(x[k_width + c]));
    EXPECT_TRUE(is_nan(x[2 * k_width + c]));
    EXPECT_EQ(x[3 * k_width + c], tokens[2 * k_width + c] + positions[c]);
  }
}

// x is linear in the tables: for any dx, dx . x(tables + h) - dx . x(tables) is h times the
// gradient.
TEST(embedding, gradients_are_those_of_differences) {
  const row50 dx = numbers(k_ids.size() * k_width, 3);
  const auto gradient = [&](const ids_of& ids, std::int64_t rows) {
    return embedding_gradient<real50>(ids, rows, {dx, k_width});
  };
  const row50 dtokens = gradient(k_ids, k_tokens),
              dpositions = gradient(position_ids(2, k_length), k_positions);
  const auto risen = [&](row50 tokens, row50 positions) {
    const row50 x = embedding<real50>(k_ids, k_places, {tokens, k_width}, {positions, k_width});
    real50 sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      if (!is_nan(x[i])) sum += dx[i] * x[i];
    return sum;
  };
  // Two sums of as many terms of dx, in one order and another (Higham, section 4.2).
  real50 magnitudes = 0;
  for (const real50& each : dx) magnitudes += magnitude(each);
  const real50 allowed = 2 * real50(double(dx.size()) * k_unit_roundoff<real50>) * magnitudes;
  const row50 no_tokens(k_tokens * k_width, real50(0)),
      no_positions(k_positions * k_width, real50(0));
  for (std::size_t i = 0; i < no_tokens.size(); ++i) {
    row50 one = no_tokens;
    one[i] = 1;
    EXPECT_LE(magnitude(real50(risen(one, no_positions) - dtokens[i])), allowed) << i;
  }
  // An id that is no token gives no x, but its position's gradient has its dx.
  for (std::size_t i = 0; i < no_positions.size(); ++i) {
    row50 one = no_positions;
    one[i] = 1;
    real50 hidden = 0;
    for (std::size_t k = 0; k < k_ids.size(); ++k)
      if ((k_ids[k] < 0 || k_ids[k] >= k_tokens) && k % k_length == i / k_width)
        hidden += dx[k * k_width + i % k_width];
    EXPECT_LE(magnitude(real50(risen(no_tokens, one) + hidden - dpositions[i])), allowed) << i;
  }
  EXPECT_EQ(dtokens[2], real50(0));  // nobody asked for token 1
  EXPECT_EQ(dpositions[6], real50(0));
}

TEST(embedding, states_what_double_loses) {
  test::generator random(7);
  std::vector<double> dx, tokens;
  constexpr std::int64_t k_rows = 40;
  ids_of ids;
  for (std::int64_t k = 0; k < k_rows; ++k) {
    ids.push_back(k % 3);
    dx.push_back(double(float(random.uniform(-1, 1))) * std::ldexp(1.0, int(k % 29) * 4));
    tokens.push_back(double(float(random.uniform(-1, 1))));
  }
  const row50 wide(dx.begin(), dx.end()), wide_tokens(tokens.begin(), tokens.end());
  const row50 exact = embedding_gradient<real50>(ids, 3, {wide, 1});
  const auto sums = embedding_gradient_with_error(ids, 3, {dx, 1});
  const ids_of places = position_ids(1, k_rows);
  const row50 exact_x = embedding<real50>(ids, places, {wide_tokens, 1}, {wide, 1});
  const auto x = embedding_with_error(ids, places, {tokens, 1}, {dx, 1});
  bool rounds = false;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    EXPECT_LE(magnitude(real50(exact[i] - real50(sums[i].value))), real50(sums[i].error));
    EXPECT_LE(sums[i].error, 0x1p-52 * std::abs(sums[i].value));
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(magnitude(real50(exact_x[i] - real50(x[i].value))), real50(x[i].error));
    rounds = rounds || x[i].error > 0;
  }
  EXPECT_TRUE(rounds);
}

}  // namespace
}  // namespace assay::reference
