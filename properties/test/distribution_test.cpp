#include "properties/distribution.hpp"

#include "properties/bad_input.hpp"
#include "properties/ieee_math.hpp"
#include "properties/values.hpp"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <cmath>
#include <set>

namespace assay::properties {
namespace {

constexpr dtype k_types[] = {dtype::fp32, dtype::bf16, dtype::fp16};

std::vector<double> draw(const distribution_id& id, dtype type, std::uint64_t count,
                         std::uint64_t seed = 1) {
  const distribution from(id);
  std::vector<double> values;
  for (std::uint64_t i = 0; i < count; ++i)
    values.push_back(from.element({seed, 0, i, count, type}));
  return values;
}

TEST(distribution, gives_values_of_the_dtype) {
  for (const distribution_info& info : distributions())
    for (dtype type : k_types)
      for (double x : draw({std::string(info.name), {}}, type, 2000))
        ASSERT_TRUE(reference::same(round_to(type, x), x))
            << info.name << " " << name_of(type) << " " << x;
}

// The hash of what an id's data was when this test was written: another machine, compiler or
// library must give the same bits, and a change of a distribution is a new version of ids.
TEST(distribution, gives_the_same_bits_everywhere) {
  std::string all;
  for (const distribution_info& info : distributions())
    for (dtype type : k_types)
      for (double x : draw({std::string(info.name), {}}, type, 500, 42)) {
        const std::uint64_t bits = encode(type, x);
        all.append(reinterpret_cast<const char*>(&bits), sizeof bits);
      }
  EXPECT_EQ(XXH3_64bits(all.data(), all.size()), 11606892595917266308u)
      << "the data of every id has changed";
}

TEST(distribution, an_element_does_not_depend_on_its_neighbours) {
  const distribution from({"normal", {}});
  const auto all = draw({"normal", {}}, dtype::fp32, 100);
  for (std::uint64_t i : {99u, 3u, 50u})
    EXPECT_EQ(from.element({1, 0, i, 100, dtype::fp32}), all[i]);
  EXPECT_NE(draw({"normal", {}}, dtype::fp32, 100, 2), all);
}

// Moments of 2^20 draws against their expectation; the bound is six standard errors, from the
// normal's own moments (variance of the mean 1/n, of the square 2/n, of the fourth power 96/n). The
// draws are fixed: this holds or it does not.
TEST(distribution, normal_has_the_moments_of_a_normal) {
  const auto x = draw({"normal", {}}, dtype::fp32, 1 << 20);
  double mean = 0, square = 0, fourth = 0;
  for (double each : x) mean += each, square += each * each, fourth += each * each * each * each;
  const double n = double(x.size());
  EXPECT_LT(std::abs(mean / n), 6 / std::sqrt(n));
  EXPECT_LT(std::abs(square / n - 1), 6 * std::sqrt(2 / n));
  EXPECT_LT(std::abs(fourth / n - 3), 6 * std::sqrt(96 / n));
}

TEST(distribution, special_holds_every_special_value) {
  for (dtype type : k_types) {
    std::set<std::uint64_t> seen;
    for (double x : draw({"special", {}}, type, 4000)) seen.insert(encode(type, x));
    const reference::format f = format_of(type);
    const double least = reference::min_subnormal(f), tiny = reference::min_normal(f);
    for (double x : {0.0, -0.0, least, -least, tiny, tiny - least, -tiny, reference::max_finite(f),
                     -reference::max_finite(f), reference::k_infinity, -reference::k_infinity,
                     reference::k_nan})
      EXPECT_TRUE(seen.contains(encode(type, x))) << name_of(type) << " " << x;
  }
}

TEST(distribution, patterns_are_all_of_them) {
  for (dtype type : {dtype::bf16, dtype::fp16}) {
    std::set<std::uint64_t> seen;
    bool nan = false;
    for (double x : draw({"patterns", {}}, type, 0x10000))
      std::isnan(x) ? void(nan = true) : void(seen.insert(encode(type, x)));
    EXPECT_TRUE(nan);
    EXPECT_EQ(seen.size(), type == dtype::bf16 ? 65536u - 254 : 65536u - 2046);
  }
}

TEST(distribution, ill_conditioned_has_about_the_condition_asked_for) {
  for (dtype type : k_types)
    for (double cond : {1e2, 1e4}) {
      double sum = 0, magnitude = 0;
      for (double x : draw({"ill_conditioned", {{"cond", cond}}}, type, 3000))
        sum += x, magnitude += std::abs(x);
      EXPECT_GT(magnitude / std::abs(sum), cond) << name_of(type);
      EXPECT_LT(magnitude / std::abs(sum), 4 * cond) << name_of(type);
    }
}

TEST(distribution, exact_constant_and_one_hot_are_what_they_say) {
  for (double x : draw({"exact", {{"largest", 3}}}, dtype::fp16, 500))
    EXPECT_TRUE(x == std::round(x) && std::abs(x) <= 3);
  for (double x : draw({"constant", {{"value", 0.1}}}, dtype::bf16, 5))
    EXPECT_EQ(x, round_to(dtype::bf16, 0.1));
  const auto hot = draw({"one_hot", {{"index", 7}, {"value", 2}}}, dtype::fp32, 10);
  for (std::size_t i = 0; i < hot.size(); ++i) EXPECT_EQ(hot[i], i == 7 ? 2 : 0);
}

TEST(distribution, refuses_what_it_does_not_know) {
  EXPECT_THROW(distribution({"gaussian", {}}), bad_input);
  EXPECT_THROW(distribution({"normal", {{"sigma", 1}}}), bad_input);
}

TEST(distribution, refuses_an_interval_whose_ends_are_reversed) {
  EXPECT_THROW(distribution({"uniform", {{"low", 2}, {"high", 1}}}), bad_input);
  EXPECT_THROW(distribution({"uniform", {{"low", 2}}}), bad_input);  // high is 1 by default
  EXPECT_THROW(distribution({"tails", {{"low", 33}}}), bad_input);
  EXPECT_NO_THROW(distribution({"uniform", {{"low", 1}}}));
  EXPECT_NO_THROW(distribution({"ill_conditioned", {{"cond", 2}}}));
}

// The library's logarithm and power are within an ulp or so of the truth; ours must be within 2^-48
// of theirs, which is far below what any draw's rounding to 24 bits or fewer can see.
TEST(ieee_math, is_a_logarithm_and_a_power_of_two) {
  for (int i = 0; i < 10000; ++i) {
    const double x =
        element_stream(3, 0, std::uint64_t(i)).uniform() * std::ldexp(1.0, i % 120 - 60) + 1e-300;
    EXPECT_LE(std::abs(ieee_log(x) - std::log(x)), 0x1p-48 * (1 + std::abs(std::log(x))));
    const double y = (element_stream(4, 0, std::uint64_t(i)).uniform() - 0.5) * 1900;
    EXPECT_LE(std::abs(ieee_exp2(y) / std::exp2(y) - 1), 0x1p-48 * (1 + std::abs(y)));
  }
}

}  // namespace
}  // namespace assay::properties
