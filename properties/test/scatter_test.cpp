// The statistical test on a small sample: correct models raise no alarm, and come as near to the
// limits as they should; a scale that is off by 0.2 % does not pass. (10^7 outputs:
// verdict_test.cpp.)

#include "properties/test/trials.hpp"

#include <gtest/gtest.h>

namespace assay::properties::models {
namespace {

setting sums(std::uint64_t seed, faults wrong = {}) {
  return {{"normal", {}}, dtype::bf16, dtype::bf16, 256, 64, seed, wrong};
}

TEST(scatter, raises_no_alarm_over_correct_sums) {
  double energy = 0, bias = 0;
  constexpr int verdicts = 200;
  for (std::uint64_t seed = 0; seed < verdicts; ++seed) {
    const outcome result = judge(sums(seed), sum_trial(sums(seed)));
    ASSERT_TRUE(result.scattered.judged);
    EXPECT_TRUE(result.scattered.passed()) << seed << result.scattered.reason();
    energy += result.scattered.energy / result.scattered.energy_limit / verdicts;
    bias = std::max(bias, std::abs(result.scattered.bias) / result.scattered.bias_limit);
  }
  EXPECT_GT(energy, 0.1) << "a limit this far off catches nothing";
  EXPECT_LT(energy, 1);
  EXPECT_LT(bias, 1);
}

TEST(scatter, alarms_on_a_scale_that_is_off_by_a_little) {
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_TRUE(
        judge(sums(seed, {.scale = 1.002}), sum_trial(sums(seed, {.scale = 1.002}))).caught())
        << seed;
}

TEST(scatter, passes_over_what_is_not_finite_or_cannot_err) {
  const truth expected{{1, reference::k_nan, reference::k_infinity}, {}, {}};
  const std::vector<double> got = {1, reference::k_nan, reference::k_infinity}, nothing(3, 0.0);
  EXPECT_FALSE(judge_scatter(dtype::fp32, got, expected, nothing, {}).judged);
}

TEST(scatter, fails_a_figure_that_is_no_number) {
  scatter_verdict v;
  v.judged = true;
  v.energy_limit = v.bias_limit = 1;
  EXPECT_TRUE(v.passed());
  v.energy = reference::k_nan;
  EXPECT_FALSE(v.passed());
  v.energy = 0, v.bias = reference::k_nan;
  EXPECT_FALSE(v.passed());
}

}  // namespace
}  // namespace assay::properties::models
