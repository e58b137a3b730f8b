// Orders of summation, spelled out: an arithmetic whose values are the expressions themselves.

#include "properties/accumulation.hpp"

#include <gtest/gtest.h>

#include <string>

namespace assay::properties {
namespace {

struct spelled {
  using value = std::string;
  static value exact(double) { return "0"; }
  value add(const value& a, const value& b) const { return "(" + a + b + ")"; }
  value add_truncated(const value& sum, std::span<const value> terms,
                      const truncating_adder&) const {
    std::string all = "[" + sum;
    for (const value& t : terms) all += t;
    return all + "]";
  }
};

std::string spelling(const order& how, const std::string& terms) {
  std::vector<std::string> all;
  for (char c : terms) all.emplace_back(1, c);
  return sum(spelled{}, how, all);
}

TEST(accumulation, sequential_adds_from_the_left) {
  EXPECT_EQ(spelling(sequential(), "abcd"), "(((ab)c)d)");
  EXPECT_EQ(spelling(sequential(), "a"), "a");
  EXPECT_EQ(spelling(sequential(), ""), "0");
}

TEST(accumulation, lanes_take_turns_and_a_tree_adds_them) {
  EXPECT_EQ(spelling({{interleaved{2, 1}, tree{}}}, "abcde"), "(((ac)e)(bd))");
  EXPECT_EQ(spelling({{interleaved{2, 2}, tree{}}}, "abcde"), "(((ab)e)(cd))");
  EXPECT_EQ(spelling({{interleaved{4, 1}, tree{}}}, "abcdef"), "(((ae)c)((bf)d))");
  EXPECT_EQ(spelling({{interleaved{32, 1}, tree{}}}, "ab"), "(ab)");
}

TEST(accumulation, a_tree_adds_its_upper_half_to_its_lower) {
  EXPECT_EQ(spelling({{tree{}}}, "abcd"), "((ac)(bd))");
  EXPECT_EQ(spelling({{tree{}}}, "abcdefgh"), "(((ae)(cg))((bf)(dh)))");
  EXPECT_EQ(spelling({{tree{}}}, "abcde"), "(((ae)c)(bd))");
  EXPECT_EQ(spelling({{tree{}}}, "a"), "a");
}

TEST(accumulation, chunks_add_their_own_first) {
  EXPECT_EQ(spelling({{in_chunks(2, sequential()), tree{}}}, "abcde"), "(((ab)e)(cd))");
  EXPECT_EQ(spelling({{in_chunks(4, {{tree{}}}), interleaved{1, 1}}}, "abcdefgh"),
            "(((ac)(bd))((eg)(fh)))");
}

TEST(accumulation, a_tensor_core_adds_block_by_block) {
  EXPECT_EQ(spelling({{tensor_core{{2, 2}}}}, "abcde"), "[[[0ab]cd]e]");
}

TEST(accumulation, rounds_in_the_order_it_declares) {
  const concrete a(reference::k_fp32);
  const auto added = [&](const order& how, const std::vector<double>& x) {
    std::vector<concrete::value> terms;
    for (double each : x) terms.push_back(concrete::exact(each));
    return sum(a, how, terms).after;
  };
  const std::vector<double> x = {1, 0x1p-24, 0x1p-24, 0x1p-24};
  EXPECT_EQ(added(sequential(), x), 1);                       // each is lost
  EXPECT_EQ(added({{tree{}}}, x), 1 + 0x1p-23);               // (1 + u) + (u + u)
  EXPECT_EQ(added({{tensor_core{{4, 2}}}}, x), 1 + 0x1p-23);  // three of them, cut to two
}

TEST(accumulation, says_what_it_is) {
  EXPECT_EQ(sequential().text(), "sequential");
  EXPECT_EQ((order{{interleaved{256, 4}, tree{}}}.text()), "256 lanes by groups of 4, tree");
  EXPECT_EQ((order{{in_chunks(64, sequential()), tree{}}}.text()),
            "chunks of 64 (sequential), tree");
}

}  // namespace
}  // namespace assay::properties
