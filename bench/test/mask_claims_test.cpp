// What a causal mask costs, counted, against formulas written down by hand, with s = T^2 scores of
// which h = T (T - 1) / 2 are hidden; and that all ways come to the same weights.

#include "bench/mask_claims.hpp"

#include "bench/counted_call.hpp"
#include "properties/contract.hpp"
#include "properties/harness.hpp"

#include <gtest/gtest.h>

namespace assay::bench {
namespace {

using properties::run_id;

// Of the kernels alone.
std::uint64_t counted(const masked_way& way) {
  std::uint64_t bytes = 0;
  for (const run_id& each : way.kernels) {
    const counted_call made = count_call(each);
    EXPECT_TRUE(made.findings.empty()) << made.findings.front();
    bytes += made.counted.global_load_bytes + made.counted.global_store_bytes;
  }
  return bytes;
}

TEST(causal_masks_move, what_formulas_by_hand_say) {
  for (const dtype type : {dtype::bf16, dtype::fp32})
    for (const std::uint64_t t : {1u, 31u, 256u, 300u}) {
      const std::uint64_t s = t * t, h = t * (t - 1) / 2, element = size_of(type);
      const std::vector<masked_way> ways = masked_ways(std::int64_t(t), type);
      ASSERT_EQ(ways.size(), 4u);
      // Of the matrix what is hidden; two matrices read and one written; one read, one written.
      EXPECT_EQ(counted(ways[0]), element * (h + 3 * s + 2 * s)) << t;
      EXPECT_EQ(counted(ways[1]), element * (h + 2 * s)) << t;
      EXPECT_EQ(counted(ways[2]), element * 3 * s) << t;
      EXPECT_EQ(counted(ways[3]), element * ((s - h) + s)) << t;
      EXPECT_EQ(bytes_of(ways[0]), double(counted(ways[0]) + element * s)) << t;
      for (const std::size_t way : {1, 2, 3})
        EXPECT_EQ(bytes_of(ways[way]), double(counted(ways[way]))) << t;
    }
}

std::vector<double> result_of(const run_id& id, const std::vector<std::vector<double>>& inputs) {
  return properties::outputs_of(id, {id.of, inputs, {}}, {})[0];
}

// Scores that are finite: an infinite one, or a NaN, under a matrix that is added is not hidden.
TEST(causal_masks_of_all_four_ways, leave_the_same_weights_bit_for_bit) {
  for (const dtype type : {dtype::bf16, dtype::fp32})
    for (const std::int64_t t : {1, 37, 256, 1100}) {
      const std::vector<masked_way> ways = masked_ways(t, type);
      const run_id &fill = ways[0].kernels[0], &add = ways[0].kernels[1],
                   &softmax = ways[0].kernels[2];
      const std::vector<double> x =
          properties::make_inputs(properties::contract_of(fill.of), fill.of).values[0];
      const std::vector<double> matrix = result_of(fill, {std::vector<double>(x.size(), 0)}),
                                weights = result_of(ways[3].kernels[0], {x});
      EXPECT_EQ(result_of(softmax, {result_of(add, {x, matrix})}), weights) << t;
      EXPECT_EQ(result_of(ways[1].kernels[1], {result_of(ways[1].kernels[0], {x})}), weights) << t;
      EXPECT_EQ(result_of(ways[2].kernels[0], {x, matrix}), weights) << t;
    }
}

}  // namespace
}  // namespace assay::bench
