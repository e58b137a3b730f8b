// Every 16-bit input there is, of every element-wise function, forward and derivative, by every
// implementation: nothing outside its bound, and as accurate as stated.

#include "properties/exhaustive.hpp"

#include "properties/bad_input.hpp"
#include "properties/elementwise.hpp"
#include "properties/test/every.hpp"
#include "reference/silu.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace assay::properties {
namespace {

class exhaustive : public testing::TestWithParam<pair_under_test> {};

range_summary swept(const pair_under_test& pair, dtype type, std::string& contradiction) {
  exhaustive_sweep sweep({.of = pair.of, .by = pair.by, .type = type});
  while (sweep.done() < sweep.chunks()) sweep.advance();
  contradiction = sweep.contradiction();
  return sweep.total();
}

TEST_P(exhaustive, every_16_bit_input_is_within_the_bound_and_the_stated_accuracy) {
  if (!GetParam().of->elementwise) return;  // a reduction has no list of all its inputs
  for (dtype type : {dtype::bf16, dtype::fp16}) {
    std::string contradiction;
    const range_summary total = swept(GetParam(), type, contradiction);
    EXPECT_EQ(total.inputs, 65536) << name_of(type);
    EXPECT_EQ(total.over, 0) << name_of(type) << ": first at " << total.first_over_at;
    EXPECT_EQ(contradiction, "") << name_of(type);
    EXPECT_TRUE(GetParam().by->domain || total.outside == 0);
  }
}

// bf16 and a contract of which the kernel computes another function.
exhaustive_sweep sweep_of_silu_by_gelu(contract& silu, const implementation& by) {
  silu = contract_of(parse_case("v1/silu.plain.fwd/x=bf16,y=bf16/n=1/dist=normal/seed=0"));
  static const contract gelu =
      contract_of(parse_case("v1/gelu.erf.fwd/x=bf16,y=bf16/n=1/dist=normal/seed=0"));
  silu.component = gelu.component, silu.variant = gelu.variant;
  return exhaustive_sweep({.of = &silu, .by = &by, .type = dtype::bf16});
}

implementation stated_by(double ulps) {
  implementation it;
  it.name = "fused";
  it.model = make_model([ulps](const auto& a, const case_inputs& in) {
    model_outputs<std::decay_t<decltype(a)>> y(1);
    y[0].push_back(a.known(in.values[0][0], ulps));
    return y;
  });
  return it;
}

// Where nothing is promised, every result that is not the correctly rounded one is out of bound.
TEST(exhaustive_sweep, an_infinite_bound_is_met_by_nothing) {
  contract silu;
  const implementation by = stated_by(reference::k_infinity);
  exhaustive_sweep sweep = sweep_of_silu_by_gelu(silu, by);
  while (sweep.done() < sweep.chunks()) sweep.advance();
  EXPECT_GT(sweep.total().misrounded, 1000);
  EXPECT_EQ(sweep.total().over, sweep.total().misrounded);
  EXPECT_NE(sweep.contradiction(), "");
}

TEST(exhaustive_sweep, refuses_an_implementation_that_states_no_error_for_the_dtype) {
  contract silu;
  implementation by = *contract_of(parse_case("v1/silu.plain.fwd/x=bf16,y=bf16/n=1/dist=normal/"
                                              "seed=0"))
                           .find("fused");
  const elementwise_variant of{.component = "silu",
                               .variant = "plain",
                               .formula = "",
                               .slope_formula = "",
                               .function = reference::k_silu,
                               .slope = reference::k_silu_derivative};
  by = fused_forward("fused", "", of, {{dtype::fp32, 2, -1}});
  EXPECT_THROW(sweep_of_silu_by_gelu(silu, by), bad_input);
}

// The first of equal worst results is kept, in the range of the NaNs too; what was worse before is
// not forgotten.
TEST(exhaustive_sweep, keeps_the_worst_of_what_was_seen) {
  range_summary all, bad, good;
  bad.worst_ulps = bad.worst_fraction = reference::k_infinity;
  all.add(bad), all.add(good);
  EXPECT_EQ(all.worst_ulps, reference::k_infinity);
  EXPECT_EQ(all.worst_fraction, reference::k_infinity);
  range_summary some;
  good.worst_ulps_at = 3;
  some.add(good), some.add({});
  EXPECT_EQ(some.worst_ulps_at, 3);
}

INSTANTIATE_TEST_SUITE_P(every, exhaustive, testing::ValuesIn(every_implementation()),
                         name_of_pair);

}  // namespace
}  // namespace assay::properties
