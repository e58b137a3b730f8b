// Exact tests: on integers whose sums the format holds the bound is zero, and one ulp is too much.

#include "properties/test/trials.hpp"

#include <gtest/gtest.h>

namespace assay::properties::models {
namespace {

using make = trial (*)(const setting&);

// Of a correct trial on integers: every bound is zero, and no row may be one step off.
void expect_exact(make trial_of, const setting& s) {
  trial t = trial_of(s);
  EXPECT_TRUE(judge_strictly(s, t).passed());
  EXPECT_EQ(t.limits, std::vector<double>(t.limits.size(), 0));
  const reference::format out = format_of(s.output);
  for (const auto step : {reference::next_up, reference::next_down}) {
    trial off = t;
    for (double& y : off.got) y = step(out, y);
    EXPECT_EQ(judge_strictly(s, off).failed, std::int64_t(off.got.size()));
  }
}

TEST(exact_data, leave_a_sum_no_error) {
  for (dtype type : {dtype::fp32, dtype::bf16, dtype::fp16})
    expect_exact(sum_trial, {{"exact", {}}, type, type, 1024, 16, 1, {}});
}

TEST(exact_data, leave_a_dot_product_no_error) {
  for (dtype type : {dtype::bf16, dtype::fp16})
    expect_exact(dot_trial, {{"exact", {}}, type, dtype::fp32, 1024, 16, 1, {}});
}

// What the operands bring along is no error of the operation; what it cannot hold is.
TEST(exact_data, are_charged_where_the_format_does_not_hold_them) {
  const running a(reference::k_fp32);
  const auto large = running::exact(0x1p24), one = running::exact(1), three = running::exact(3);
  EXPECT_EQ(a.add(one, three).after, 0);
  EXPECT_EQ(a.add(large, one).after, 1);
  EXPECT_EQ(a.add(running::exact(1), running::exact(0x1p-60)).after, 0x1p-24);
  EXPECT_EQ(a.add(a.div(one, three), one).after, 0x1p-26 + 0x1p-24);
  EXPECT_EQ(a.mul(running::exact(0), a.div(one, three)).after, 0) << "zero times anything";
  EXPECT_EQ(a.mul(three, running::exact(0x1p-140)).after, 0);
  EXPECT_EQ(a.mul(three, running::exact(0x1p-150)).after, 0x1p-150) << "underflow";
  EXPECT_EQ(a.fma(three, three, one).after, 0);
  EXPECT_GT(a.fma(running::exact(0x1.000002p0), running::exact(0x1.000002p0), one).after, 0);
  EXPECT_EQ(a.div(three, running::exact(4)).after, 0);
  EXPECT_EQ(a.constant(0.5).after, 0);
  EXPECT_EQ(running(reference::k_fp32, charge::everything).add(one, three).after, 0x1p-22);
}

TEST(exact_data, are_cut_by_a_tensor_core_where_they_lie_below_its_last_place) {
  const running a(reference::k_fp32);
  const auto after = [&](double sum, double term) {
    return a.add_truncated(running::exact(sum), std::vector{running::exact(term)}, {16, 2}).after;
  };
  EXPECT_EQ(after(0x1p23, 1), 0);
  EXPECT_GT(after(0x1p27, 1), 0);
  EXPECT_GT(after(0x1p24, 1), 0) << "the sum has 25 bits";
}

}  // namespace
}  // namespace assay::properties::models
