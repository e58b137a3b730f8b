// Attention over parts of the keys, put together, is attention over all of them; what lengths mean.

#include "reference/attention_decode.hpp"

#include "reference/elementwise.hpp"
#include "reference/real50.hpp"
#include "reference/test/support.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::reference {
namespace {

using rows_of_real50 = std::vector<real50>;

rows_of_real50 drawn(test::generator& random, std::int64_t count, double spread) {
  rows_of_real50 all;
  for (std::int64_t i = 0; i < count; ++i) all.emplace_back(random.uniform(-spread, spread));
  return all;
}

head_matrix<real50> matrix(const rows_of_real50& elements, std::int64_t width) {
  return {elements.data(), std::int64_t(elements.size()) / width, width, width};
}

void expect_near(const real50& got, const real50& exact) {
  EXPECT_LE(magnitude(got - exact), real50(1e-45) * (real50(1) + real50(magnitude(exact))));
}

TEST(combined, parts_of_any_size_are_the_whole) {
  test::generator random(31);
  constexpr std::int64_t k_width = 5, k_keys = 23;
  for (const double spread : {0.1, 3.0, 20.0}) {
    const rows_of_real50 q = drawn(random, k_width, spread),
                         k = drawn(random, k_width * k_keys, spread),
                         v = drawn(random, k_width * k_keys, 1);
    const auto keys = matrix(k, k_width), values = matrix(v, k_width);
    const real50 scale(0.5);
    const auto whole = attend(std::span<const real50>(q), keys, values, scale);
    for (const std::int64_t size : {1, 4, 7, 22, 23, 40}) {
      std::vector<attended<real50>> parts;
      for (std::int64_t first = 0; first < k_keys; first += size) {
        const std::int64_t last = std::min(first + size, k_keys);
        parts.push_back(attend(std::span<const real50>(q), keys.rows(first, last),
                               values.rows(first, last), scale));
      }
      const auto got = combined(std::span<const attended<real50>>(parts));
      expect_near(got.lse, whole.lse);
      for (std::size_t d = 0; d < k_width; ++d) expect_near(got.o[d], whole.o[d]);
    }
  }
}

TEST(combined, a_part_without_keys_adds_nothing) {
  const attended<double> none{{0, 0}, -k_infinity}, some{{3, -4}, 700};
  const std::vector<attended<double>> parts = {none, some, none}, nothing = {none, none};
  const auto got = combined(std::span<const attended<double>>(parts));
  EXPECT_EQ(got.lse, 700);
  EXPECT_EQ(got.o, (std::vector<double>{3, -4}));
  const auto empty = combined(std::span<const attended<double>>(nothing));
  EXPECT_EQ(empty.lse, -k_infinity);
  EXPECT_EQ(empty.o, (std::vector<double>{0, 0}));
}

TEST(combined, of_a_part_that_is_no_number_is_none) {
  const std::vector<attended<double>> parts = {{{1}, 2}, {{k_nan}, k_nan}};
  const auto got = combined(std::span<const attended<double>>(parts));
  EXPECT_TRUE(std::isnan(got.lse));
  EXPECT_TRUE(std::isnan(got.o[0]));
}

TEST(cached_keys, are_as_many_as_there_is_room_for) {
  EXPECT_EQ(cached_keys(-3, 7), 0);
  EXPECT_EQ(cached_keys(0, 7), 0);
  EXPECT_EQ(cached_keys(5, 7), 5);
  EXPECT_EQ(cached_keys(9, 7), 7);
}

}  // namespace
}  // namespace assay::reference
