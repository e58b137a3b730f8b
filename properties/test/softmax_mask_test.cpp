// Softmax under masks: lengths that lie, what an added mask masks, what its rounding is charged.

#include "properties/property.hpp"
#include "properties/test/softmax_support.hpp"
#include "properties/values.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace assay::properties {
namespace {

constexpr double k_inf = reference::k_infinity;

TEST(softmax_padding, draws_lengths_from_none_to_all_keys) {
  const case_id id = softmax_case_of("padding", "fwd", dtype::fp32,
                                     {{"batch", 400}, {"q", 1}, {"k", 5}}, "constant");
  const std::vector<double> lengths = make_inputs(contract_of(id), id).values[1];
  const std::set<double> drawn(lengths.begin(), lengths.end());
  EXPECT_EQ(drawn, (std::set<double>{0, 1, 2, 3, 4, 5}));
  // Each of six within five standard deviations of 400 / 6.
  for (double length : drawn)
    EXPECT_NEAR(double(std::count(lengths.begin(), lengths.end(), length)), 400.0 / 6,
                5 * std::sqrt(400.0 * 5 / 36));
}

// Lengths below 0 count as 0 and those beyond the keys as all of them; nothing out of bounds is
// touched, whatever they say.
TEST(softmax_padding, takes_lengths_beyond_either_end_for_that_end) {
  const std::vector<double> wrong = {-1, -0x1p31, 38, 0x1p31 - 1, 1000}, right = {0, 0, 37, 37, 37};
  for (const char* direction : {"fwd", "bwd"}) {
    const case_id id =
        softmax_case_of("padding", direction, dtype::bf16, {{"batch", 5}, {"q", 2}, {"k", 37}});
    case_inputs in = make_inputs(contract_of(id), id);
    in.values.back() = wrong;
    const prepared_case beyond = prepared_with(id, in.values);
    in.values.back() = right;
    const prepared_case within = prepared_with(id, in.values);
    EXPECT_EQ(beyond.exact[0].value, within.exact[0].value);
    for (const implementation& by : beyond.of->implementations) {
      const run_report report = run_of(beyond, by, true);
      EXPECT_EQ(report.result, outcome::passed) << by.name << ": " << report.reason;
      EXPECT_EQ(report.output_bytes, run_of(within, by, false).output_bytes) << by.name;
    }
  }
}

// One row of scores and a mask, by every implementation.
std::vector<std::vector<double>> results_of_row(const std::vector<double>& x,
                                                const std::vector<double>& mask) {
  const case_id id = softmax_case_of("additive", "fwd", dtype::fp32,
                                     {{"batch", 1}, {"q", 1}, {"k", std::int64_t(x.size())}});
  const prepared_case prepared = prepared_with(id, {x, mask});
  std::vector<std::vector<double>> all;
  for (const implementation& by : prepared.of->implementations) {
    const run_report report = run_of(prepared, by, false);
    EXPECT_EQ(report.result, outcome::passed) << by.name << ": " << report.reason;
    all.push_back(outputs_of(report.id, prepared.inputs, {})[0]);
  }
  return all;
}

TEST(softmax_additive, masks_by_minus_infinity_on_either_side) {
  for (const auto& y : results_of_row({1, 1, -k_inf, -k_inf}, {0, -k_inf, 0, -k_inf}))
    EXPECT_EQ(y, (std::vector<double>{1, 0, 0, 0}));
  for (const auto& y : results_of_row({1, -k_inf, 3}, {-k_inf, 5, -k_inf}))
    EXPECT_EQ(y, (std::vector<double>{0, 0, 0}));
  for (const auto& y : results_of_row({0, 0}, {-3e38, -3e38}))
    EXPECT_EQ(y, (std::vector<double>{0.5, 0.5}));
}

// Two finite numbers whose sum fp32 does not have: no kernel promises anything of that row, and no
// property may ask for it.
TEST(softmax_additive, is_asked_nothing_of_sums_beyond_fp32) {
  const case_id id =
      softmax_case_of("additive", "fwd", dtype::fp32, {{"batch", 1}, {"q", 2}, {"k", 3}});
  constexpr double k_most = 0x1.fffffep127;
  const contract& c = contract_of(id);
  for (const implementation& by : c.implementations) {
    const subject all({id, by.name, "emulator", 0}, {});
    case_inputs in = all.inputs();
    in.values = {{k_most, 1, 2, k_most, 1, 2}, {k_most, -k_inf, 0, 0, -k_inf, 0}};
    for (const property& each : c.properties)
      EXPECT_EQ(each.broken(all.with_function(in)), "") << each.statement;
  }
}

TEST(softmax_additive, hides_NaN_and_infinity_under_a_mask_and_shows_them_elsewhere) {
  for (double strange : {reference::k_nan, k_inf, 1e38}) {
    for (const auto& y : results_of_row({2, strange, 2}, {1, -k_inf, 1}))
      EXPECT_EQ(y, (std::vector<double>{0.5, 0, 0.5}));
    if (std::isfinite(strange)) continue;
    for (const auto& y : results_of_row({2, strange, 2}, {1, 0, -k_inf}))
      for (double each : y) EXPECT_TRUE(std::isnan(each));
    // In the mask they hide nothing, whatever stands below.
    for (double score : {2.0, -k_inf})
      for (const auto& y : results_of_row({2, score, 2}, {1, strange, 1}))
        for (double each : y) EXPECT_TRUE(std::isnan(each));
  }
}

// fp32 has 2^24 and not 2^24 + 1: a kernel that adds in fp32 gives 1/2 for 1/(1 + e). Its bound
// says so: nothing where the sums are exact; elsewhere what all exponents off by half an ULP of the
// largest sum do to a quotient of exponentials, above and below.
TEST(softmax_additive, is_charged_for_the_rounding_of_its_sums_alone) {
  for (const auto& y : results_of_row({0x1p24, 0x1p24}, {0, 1}))
    EXPECT_EQ(y, (std::vector<double>{0.5, 0.5}));
  const fields masked = {{"batch", 1}, {"q", 3}, {"k", 40}};
  const case_id added = softmax_case_of("additive", "fwd", dtype::fp32, masked),
                plain = softmax_case_of("plain", "fwd", dtype::fp32, {{"rows", 3}, {"n", 40}});
  const std::vector<double> x = make_inputs(contract_of(plain), plain).values[0];
  const double third = round_to(dtype::fp32, 1 / 3.0);
  std::vector<double> rounded = x;
  for (double& each : rounded) each = round_to(dtype::fp32, each + third);
  double off = 0;
  for (double each : rounded) off = std::max(off, std::ldexp(1, std::ilogb(each) - 24));
  const prepared_case without = prepared_with(plain, {x}),
                      zeros = prepared_with(added, {x, std::vector<double>(x.size(), 0)}),
                      sums = prepared_with(plain, {rounded}),
                      thirds = prepared_with(added, {x, std::vector<double>(x.size(), third)});
  for (const implementation& by : zeros.of->implementations) {
    const implementation& same = *without.of->find(by.name);
    EXPECT_EQ(strict_limits(zeros, by)[0], strict_limits(without, same)[0]);
    const auto bound = strict_limits(sums, same)[0], more = strict_limits(thirds, by)[0];
    for (std::size_t i = 0; i < bound.size(); ++i) {
      EXPECT_GT(more[i], bound[i]);
      EXPECT_LE(more[i] - bound[i],
                sums.exact[0].value[i] * std::expm1(2 * off) + bound[i] * 0x1p-20);
    }
  }
}

// A mask rounded to bf16 before it is added, or that of the next query: outside every bound.
TEST(softmax_additive, has_bounds_that_wrong_masks_leave) {
  const case_id id =
      softmax_case_of("additive", "fwd", dtype::fp32, {{"batch", 2}, {"q", 4}, {"k", 64}});
  const prepared_case prepared = prepare(id);
  const auto softmax_under = [&](std::vector<double> mask) {
    case_inputs in = prepared.inputs;
    in.values[1] = std::move(mask);
    std::vector<double> y = prepared.of->exact(in)[0].value;
    for (double& each : y) each = round_to(dtype::fp32, each);
    return y;
  };
  const std::vector<double>& mask = prepared.inputs.values[1];
  std::vector<double> coarse = mask, moved = mask;
  for (double& m : coarse) m = round_to(dtype::bf16, m);
  std::rotate(moved.begin(), moved.begin() + 64, moved.end());
  for (const implementation& by : prepared.of->implementations) {
    EXPECT_TRUE(judge(prepared, by, {softmax_under(mask)})[0].strict.passed());
    EXPECT_FALSE(judge(prepared, by, {softmax_under(coarse)})[0].strict.passed());
    EXPECT_FALSE(judge(prepared, by, {softmax_under(moved)})[0].strict.passed());
  }
}

TEST(softmax_additive, reads_scores_and_mask_once_where_the_row_fits_on_chip) {
  const case_id id =
      softmax_case_of("additive", "fwd", dtype::fp32, {{"batch", 1}, {"q", 2}, {"k", 1024}});
  const prepared_case prepared = prepare(id);
  EXPECT_EQ(run_of(prepared, *prepared.of->find("online"), true).counted.global_load_bytes,
            2 * 2 * 1024 * 4u);
}

}  // namespace
}  // namespace assay::properties
