// AdamW: how its arrays are moved, and which mistakes leave the bounds.

#include "properties/adamw_shape.hpp"
#include "properties/moderate.hpp"
#include "properties/test/attention_support.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace assay::properties {
namespace {

const std::vector<std::string> k_kernels = {"words", "plain"};

case_id step_case(dtype gradient, std::int64_t n) {
  case_id id{"adamw", "step", "fwd", {}, {{"n", n}}, {"normal", {}}, 5};
  const contract& c = contract_of(id);
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors)
      id.types.push_back({each.name, each.name == "gradient" ? gradient : dtype::fp32});
  for (const parameter_spec& each : c.parameters) id.shape.push_back({each.name, each.otherwise});
  return id;
}

// 4,096 elements in one block of 8 warps, which read the factor once each: of 16 bytes a lane the
// gradient, the other arrays and the results.
TEST(adamw, moves_16_bytes_at_a_time) {
  for (const dtype type : {dtype::fp32, dtype::bf16}) {
    const std::uint64_t a_whole_array = 4096 / 4 / 32,
                        of_gradients = 4096 * size_of(type) / 16 / 32;
    const simt::counters all = counted(step_case(type, 4096), "words");
    EXPECT_EQ(all.global_loads, 3 * a_whole_array + of_gradients + 8);
    EXPECT_EQ(all.global_stores, 3 * a_whole_array);
  }
}

// Both kernels compute the same bits, wherever the arrays lie.
TEST(adamw, has_the_same_bits_in_both_kernels) {
  for (const dtype type : {dtype::fp32, dtype::fp16}) {
    case_inputs in = inputs_of(step_case(type, 9001));
    const auto plain = outputs_of({in.id, "plain", "emulator", 0}, in, {});
    for (const std::int64_t align : {256, 8, 4}) {
      in.id.shape.insert(in.id.shape.begin() + 1, {"align", align});
      EXPECT_EQ(outputs_of({in.id, "words", "emulator", 0}, in, {}), plain) << align;
      in.id.shape.erase(in.id.shape.begin() + 1);
    }
  }
}

// Each by itself, and none by the outputs that it does not touch alone.
TEST(adamw, catches_settings_that_are_a_little_off) {
  const std::vector<std::pair<adamw_parameter, double>> off = {
      {k_rate, 0.001001}, {k_beta1, 0.9001}, {k_beta2, 0.99901},
      {k_eps, 1e-4},      {k_decay, 0.02},   {k_step, 2}};
  for (const std::string& by : k_kernels)
    for (const dtype type : {dtype::fp32, dtype::bf16}) {
      const case_id id = step_case(type, 1027);
      const case_inputs right = inputs_of(id);
      EXPECT_TRUE(passes(id, by, right));
      for (const auto& [which, value] : off)
        EXPECT_FALSE(passes(id, by, with_parameter(right, which, value))) << by << " " << which;
      case_inputs factor = right, last = right;
      factor.values[k_factor][0] = double(float(factor.values[k_factor][0] * 1.00001));
      EXPECT_FALSE(passes(id, by, factor)) << by;
      last.values[k_gradient].back() = 0;
      EXPECT_FALSE(passes(id, by, last)) << by;
    }
}

}  // namespace
}  // namespace assay::properties
