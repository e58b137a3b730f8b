// AdamW: how its arrays are moved, which mistakes leave the bounds, and what a copy of the weights
// is.

#include "properties/adamw_shape.hpp"
#include "properties/moderate.hpp"
#include "properties/test/attention_support.hpp"
#include "properties/values.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

namespace assay::properties {
namespace {

const std::vector<std::string> k_kernels = {"words", "plain"};

// With a copy of the weights, or without.
case_id step_case(dtype gradient, std::int64_t n, std::optional<dtype> copy = {}) {
  case_id id{"adamw", copy ? "copied" : "step", "fwd", {}, {{"n", n}}, {"normal", {}}, 5};
  const contract& c = contract_of(id);
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors)
      id.types.push_back({each.name, each.name == "gradient" ? gradient
                                     : each.name == "copy"   ? *copy
                                                             : dtype::fp32});
  for (const parameter_spec& each : c.parameters) id.shape.push_back({each.name, each.otherwise});
  return id;
}

const std::vector<std::pair<dtype, dtype>> k_copied = {{dtype::bf16, dtype::bf16},
                                                       {dtype::fp16, dtype::fp16},
                                                       {dtype::fp32, dtype::bf16},
                                                       {dtype::fp32, dtype::fp16}};

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

// A copy adds nothing but a word of it a thread, of as many elements as a word of gradients.
TEST(adamw, moves_copies_by_words_of_a_group) {
  for (const auto& [gradient, copy] : k_copied) {
    const simt::counters all = counted(step_case(gradient, 4096, copy), "words"),
                         step = counted(step_case(gradient, 4096), "words");
    EXPECT_EQ(all.global_loads, step.global_loads);
    EXPECT_EQ(all.global_load_bytes, step.global_load_bytes);
    EXPECT_EQ(all.global_stores, step.global_stores + 4096 * size_of(gradient) / 16 / 32);
    EXPECT_EQ(all.global_store_bytes, step.global_store_bytes + 4096 * 2);
  }
}

// Both kernels compute the same bits, wherever the arrays lie.
TEST(adamw, has_the_same_bits_in_both_kernels) {
  std::vector<case_id> all = {step_case(dtype::fp32, 9001), step_case(dtype::fp16, 9001)};
  for (const auto& [gradient, copy] : k_copied) all.push_back(step_case(gradient, 9001, copy));
  for (const case_id& id : all) {
    case_inputs in = inputs_of(id);
    const auto plain = outputs_of({in.id, "plain", "emulator", 0}, in, {});
    for (const std::int64_t align : {256, 8, 4}) {
      in.id.shape.insert(in.id.shape.begin() + 1, {"align", align});
      EXPECT_EQ(outputs_of({in.id, "words", "emulator", 0}, in, {}), plain) << align;
      in.id.shape.erase(in.id.shape.begin() + 1);
    }
  }
}

bool accepts(const prepared_case& prepared, const std::string& by,
             const std::vector<std::vector<double>>& got) {
  const std::vector<output_verdict> all = judge(prepared, *prepared.of->find(by), got);
  return std::all_of(all.begin(), all.end(), [](const output_verdict& v) {
    return v.strict.passed() && v.scatter.passed();
  });
}

// Factors just below 1 whose 24 bits are 1, or -1, modulo 256: a product with a significand of bf16
// (8 bits, s) has s, or 256 - s, of 256 below its last place, and so all are rounded up, or all
// down. No kernel is to blame for that.
TEST(adamw, is_not_blamed_for_a_factor_that_rounds_to_one_side) {
  const case_id id = step_case(dtype::bf16, 1023);
  prepared_case prepared = prepare(id);
  prepared.inputs = with_parameter(prepared.inputs, k_beta2, 0);
  for (const double factor : {0x1.fffe02p-1, 0x1.fffdfep-1}) {
    prepared.inputs.values[k_factor][0] = factor;
    prepared.exact = prepared.of->exact(prepared.inputs);
    for (const std::string& by : k_kernels)
      EXPECT_TRUE(accepts(prepared, by,
                          outputs_of({prepared.inputs.id, by, "emulator", 0}, prepared.inputs, {})))
          << factor;
  }
}

// The new weight of fp32 without its last bits: rounded towards zero.
double cut(dtype type, double x) {
  const double near = std::abs(round_to(type, x));
  return std::copysign(near > std::abs(x) ? reference::next_down(format_of(type), near) : near, x);
}

// Copies of the old weight, of the neighbouring group's, cut, none at the end: the judge refuses
// each, whatever else is right.
TEST(adamw, catches_copies_of_something_else) {
  for (const auto& [gradient, copy] : k_copied) {
    const dtype type = copy;
    prepared_case prepared = prepare(step_case(gradient, 1027, copy));
    const auto right =
        outputs_of({prepared.inputs.id, "words", "emulator", 0}, prepared.inputs, {});
    EXPECT_TRUE(accepts(prepared, "words", right));
    const auto refuses = [&](const char* what, const auto& change) {
      auto wrong = right;
      change(wrong[k_copy]);
      EXPECT_FALSE(accepts(prepared, "words", wrong)) << what << " " << name_of(type);
    };
    refuses("old", [&](std::vector<double>& all) {
      all = prepared.inputs.values[k_weight];
      for (double& w : all) w = round_to(type, w);
    });
    refuses("cut", [&](std::vector<double>& all) {
      for (std::size_t i = 0; i < all.size(); ++i) all[i] = cut(type, right[k_new_weight][i]);
    });
    refuses("another group's",
            [](std::vector<double>& all) { std::copy_n(all.begin() + 8, 8, all.begin()); });
    refuses("none at the end", [](std::vector<double>& all) { all.back() = 0; });
  }
}

// Beyond the copy's range it is what the format rounds to: infinite from half a place above its
// largest number, and 0 up to half its smallest. Without a rate a weight stays what it is.
TEST(adamw, copies_round_to_infinity_and_to_zero_as_the_format_does) {
  const std::vector<std::pair<double, double>> halves = {{65504, 65504},
                                                         {0x1.ffdffep15, 65504},
                                                         {65520, reference::k_infinity},
                                                         {0x1p-24, 0x1p-24},
                                                         {0x1p-25, 0},
                                                         {0x1.000002p-25, 0x1p-24},
                                                         {0x1.ffcp-15, 0x1p-14},
                                                         {0x1.002p0, 1},
                                                         {0x1.006p0, 0x1.008p0},
                                                         {0x1p100, reference::k_infinity}};
  for (const dtype gradient : {dtype::fp16, dtype::fp32})
    for (const std::string& by : k_kernels) {
      prepared_case prepared =
          prepare(step_case(gradient, 2 * std::int64_t(halves.size()), dtype::fp16));
      prepared.inputs = with_parameter(prepared.inputs, k_rate, 0);
      std::vector<double> expected;
      for (std::size_t i = 0; i < 2 * halves.size(); ++i) {
        const double sign = i % 2 == 0 ? 1 : -1;
        prepared.inputs.values[k_weight][i] = sign * halves[i / 2].first;
        expected.push_back(sign * halves[i / 2].second);
      }
      prepared.exact = prepared.of->exact(prepared.inputs);
      const auto got = outputs_of({prepared.inputs.id, by, "emulator", 0}, prepared.inputs, {});
      EXPECT_EQ(got[k_copy], expected) << by;
      EXPECT_TRUE(accepts(prepared, by, got)) << by;
    }
}

// Twice rounded is not once rounded: w (1 - 2^-20) is a little below the middle of two numbers of
// 16 bits, fp32 rounds it to that middle, and the copy to the one above, which is even. The model
// has both roundings (and nothing else errs here), or the judge would refuse it.
TEST(adamw, copies_are_rounded_from_what_fp32_has) {
  for (const auto& [gradient, copy] : k_copied)
    for (const std::string& by : k_kernels) {
      const double place = copy == dtype::bf16 ? 0x1p-7 : 0x1p-10;
      prepared_case prepared = prepare(step_case(gradient, 9, copy));
      case_inputs& in = prepared.inputs;
      for (const adamw_input each : {k_gradient, k_mean, k_square})
        std::fill(in.values[each].begin(), in.values[each].end(), 0);
      std::fill(in.values[k_weight].begin(), in.values[k_weight].end(), 1 + 1.5 * place + 0x1p-20);
      for (const adamw_parameter each : {k_rate, k_decay}) in = with_parameter(in, each, 0x1p-10);
      in = with_parameter(in, k_eps, 0.5);
      prepared.exact = prepared.of->exact(in);
      const auto got = outputs_of({in.id, by, "emulator", 0}, in, {});
      EXPECT_EQ(round_to(copy, prepared.exact[k_copy].value[0]), 1 + place);
      EXPECT_EQ(got[k_copy], std::vector<double>(9, 1 + 2 * place));
      EXPECT_TRUE(accepts(prepared, by, got)) << by;
    }
}

// Each by itself, and none by the outputs that it does not touch alone.
TEST(adamw, catches_settings_that_are_a_little_off) {
  const std::vector<std::pair<adamw_parameter, double>> off = {
      {k_rate, 0.001001}, {k_beta1, 0.9001}, {k_beta2, 0.99901},
      {k_eps, 1e-4},      {k_decay, 0.02},   {k_step, 2}};
  const case_id ids[] = {step_case(dtype::fp32, 1027), step_case(dtype::bf16, 1027),
                         step_case(dtype::fp16, 1027, dtype::fp16)};
  for (const std::string& by : k_kernels)
    for (const case_id& id : ids) {
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
