// Negative controls: for every contract, implementation and dtype the judge refuses every decoy,
// and accepts the truth rounded to the output.

#include "properties/decoys.hpp"

#include "properties/test/every.hpp"

#include <gtest/gtest.h>

namespace assay::properties {
namespace {

class decoys : public testing::TestWithParam<pair_under_test> {};

bool accepted(const std::vector<output_verdict>& verdicts, std::size_t output) {
  return verdicts[output].strict.passed() && verdicts[output].scatter.passed();
}

TEST_P(decoys, are_all_refused) {
  for (const std::vector<dtype>& types : GetParam().of->signatures) {
    const prepared_case prepared = prepare(retyped(GetParam().of->decoy_case, types));
    const std::vector<decoy> all = decoys_of(prepared, *GetParam().by);
    ASSERT_GE(all.size(), 8u);
    for (const decoy& each : all) {
      const auto verdicts = judge(prepared, *GetParam().by, each.outputs);
      EXPECT_FALSE(verdicts[each.output].strict.passed())
          << each.name << " passes as " << verdicts[each.output].tensor << " of "
          << print(prepared.inputs.id);
      for (std::size_t k = 0; k < verdicts.size(); ++k)
        EXPECT_TRUE(k == each.output || accepted(verdicts, k))
            << each.name << ", " << verdicts[k].tensor;
    }
  }
}

TEST_P(decoys, the_rounded_truth_is_accepted) {
  for (const std::vector<dtype>& types : GetParam().of->signatures) {
    const prepared_case prepared = prepare(retyped(GetParam().of->decoy_case, types));
    const auto verdicts = judge(prepared, *GetParam().by, rounded_truth(prepared));
    for (std::size_t k = 0; k < verdicts.size(); ++k)
      EXPECT_TRUE(accepted(verdicts, k))
          << print(prepared.inputs.id) << ": " << verdicts[k].tensor << ": "
          << verdicts[k].strict.reason << verdicts[k].scatter.reason();
  }
}

// All elements at the outermost value that the bound allows pass the strict test; the next value,
// in any one element, does not.
TEST_P(decoys, the_bound_ends_where_it_says) {
  for (const std::vector<dtype>& types : GetParam().of->signatures) {
    const prepared_case prepared = prepare(retyped(GetParam().of->decoy_case, types));
    for (std::size_t k = 0; k < GetParam().of->outputs.size(); ++k) {
      const bound_edge edge = edge_of(prepared, *GetParam().by, k);
      std::vector<std::vector<double>> outputs = rounded_truth(prepared);
      outputs[k] = edge.allowed;
      const verdict inside = judge(prepared, *GetParam().by, outputs)[k].strict;
      EXPECT_TRUE(inside.passed()) << print(prepared.inputs.id) << ": " << inside.reason;
      for (std::size_t i : {std::size_t(0), edge.refused.size() / 2, edge.refused.size() - 1}) {
        outputs[k] = edge.allowed;
        outputs[k][i] = edge.refused[i];
        const verdict outside = judge(prepared, *GetParam().by, outputs)[k].strict;
        EXPECT_FALSE(outside.passed()) << print(prepared.inputs.id) << " at " << i;
        EXPECT_EQ(outside.failed, 1);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(every, decoys, testing::ValuesIn(every_implementation()), name_of_pair);

}  // namespace
}  // namespace assay::properties
