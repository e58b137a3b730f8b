#include "properties/philox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace assay::properties {
namespace {

// The known-answer vectors published with Random123 for philox4x32, 10 rounds.
TEST(philox, reproduces_the_published_vectors) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (philox_counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t ones = 0xffffffff;
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (philox_counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (philox_counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(philox, an_element_is_the_same_alone_and_in_a_stream_of_others) {
  element_stream alone(7, 1, 1000);
  std::uint32_t seen = 0;
  for (std::uint64_t i = 0; i <= 1000; ++i) seen = element_stream(7, 1, i).word();
  EXPECT_EQ(alone.word(), seen);
  EXPECT_NE(element_stream(7, 0, 1000).word(), seen);
  EXPECT_NE(element_stream(8, 1, 1000).word(), seen);
  EXPECT_NE(element_stream(7, 1, 1000 + (1ULL << 32)).word(), seen);
}

TEST(philox, a_stream_goes_on_past_its_first_four_words) {
  element_stream stream(1, 2, 3);
  const philox_counter first = philox({3, 0, 2, 0}, {1, 0}), second = philox({3, 0, 2, 1}, {1, 0});
  for (std::uint32_t word : first) EXPECT_EQ(stream.word(), word);
  for (std::uint32_t word : second) EXPECT_EQ(stream.word(), word);
}

// Hoeffding: the mean of N values in [0, 1] strays from 1/2 by t with probability at most
// 2 exp(-2 N t^2); t below makes that 1e-9. The draws are fixed, so this is decided once.
TEST(philox, uniform_fills_the_unit_interval) {
  constexpr int count = 1 << 20;
  double sum = 0, least = 1, most = 0;
  for (int i = 0; i < count; ++i) {
    const double u = element_stream(11, 0, i).uniform();
    sum += u, least = std::min(least, u), most = std::max(most, u);
  }
  const double t = std::sqrt(std::log(2 / 1e-9) / (2.0 * count));
  EXPECT_LT(std::abs(sum / count - 0.5), t);
  EXPECT_GE(least, 0);
  EXPECT_LT(most, 1);
}

TEST(philox, below_reaches_every_value_and_no_other) {
  std::array<int, 7> seen{};
  for (int i = 0; i < 1000; ++i) ++seen.at(element_stream(5, 0, i).below(7));
  for (int count : seen) EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace assay::properties
