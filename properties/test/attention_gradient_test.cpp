// Gradients of attention: what their kernels move and store, counted; which mistakes leave the
// bounds.

#include "properties/attention_gradient_model.hpp"
#include "properties/test/attention_support.hpp"
#include "properties/values.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

case_id gradient_of(const std::string& variant, dtype type, std::int64_t queries, std::int64_t keys,
                    std::int64_t width, const fields& parameters = {}) {
  return attention_case_of("attention", variant, type, queries, keys, width, parameters, "bwd");
}

// Causal, T queries and keys in n = T / 64 tiles, D = 64. Both passes multiply half of the tiles:
// scores and dp in each, then dv and dk in the one and dq in the other, 7 products. What is read is
// what the blocks hold, n tiles of two tensors in each pass and of o and its gradient for the
// deltas; what they walk over, two tiles for each of the n (n + 1) / 2; and log-sum-exps and
// deltas, of a tile's 64 queries once in the pass over keys, by four lanes each in the other.
TEST(flash_attention_gradients, move_and_multiply_half_of_a_causal_matrix_and_store_none_of_it) {
  for (const std::int64_t length : {64, 128, 256}) {
    const case_id id = gradient_of("causal", dtype::bf16, length, length, 64);
    const auto n = std::uint64_t(length / 64);
    const std::uint64_t tile = 64 * 64 * 2, tiles = n * (n + 1) / 2;
    const simt::counters flash = counted(id, "flash_mma");
    EXPECT_EQ(flash.global_load_bytes,
              2 * n * tile + 2 * (2 * n * tile + tiles * 2 * tile) + tiles * 64 * 8 + n * 64 * 32);
    EXPECT_EQ(flash.global_store_bytes, n * 64 * 4 + 3 * n * tile);
    EXPECT_EQ(flash.tensor_core_flops, tiles * 7 * 2 * 64 * 64 * 64);
    EXPECT_EQ(flash.shared_bank_conflicts, 0u);
    EXPECT_EQ(scratch_of(id, "flash_mma"), std::size_t(length) * 4);
    EXPECT_EQ(scratch_of(id, "naive"), std::size_t(length + 2 * length * length) * 4);
  }
}

TEST(flash_attention_gradients, have_no_bank_conflicts_in_any_width) {
  for (const std::int64_t width : {32, 64, 96, 128})
    EXPECT_EQ(counted(gradient_of("dense", dtype::fp16, 64, 128, width), "flash_mma")
                  .shared_bank_conflicts,
              0u)
        << width;
}

TEST(flash_attention_gradients, in_two_passes_are_the_same_bits_in_100_orders_of_threads) {
  const case_id id = gradient_of("causal", dtype::bf16, 70, 130, 32, {{"scale", 0}});
  const case_inputs in = inputs_of(id);
  const auto first = outputs_of({id, "flash_mma", "emulator", 0}, in, {});
  for (std::uint64_t order = 1; order <= 100; ++order)
    ASSERT_EQ(outputs_of({id, "flash_mma", "emulator", order}, in, {}), first) << order;
}

// A query whose products with all keys are -infinity: its weights are 0, or NaN with its
// log-sum-exp, and meet what there is as such. Where results are NaN says so. But 0 times the
// query's own infinity, in dk, is beyond what kernels promise: of a partial tile it is cleared.
TEST(attention_gradients, of_scores_of_minus_infinity_are_what_the_formulas_have) {
  for (const char* variant : {"dense", "causal", "bias", "alibi"})
    for (const double lse : {0.0, reference::k_nan}) {
      const case_id id = gradient_of(variant, dtype::fp16, 3, 70, 32);
      const contract& c = contract_of(id);
      case_inputs in = inputs_of(id);
      const auto given = [&](const std::string& name) -> std::vector<double>& {
        for (std::size_t t = 0; t < c.inputs.size(); ++t)
          if (c.inputs[t].name == name) return in.values[t];
        throw std::invalid_argument(name);
      };
      given("q")[32] = -reference::k_infinity;
      for (std::size_t j = 0; j < 70; ++j) given("k")[32 * j] = 1;
      given("lse")[1] = lse;
      const std::vector<truth> exact = c.exact(in);
      EXPECT_TRUE(std::isnan(exact[1].value[0]));
      EXPECT_EQ(std::isnan(exact[2].value[0]), std::isnan(lse));
      for (const implementation& by : c.implementations) {
        const auto got = outputs_of({id, by.name, "emulator", 0}, in, {});
        for (std::size_t t = 0; t < got.size(); ++t)
          for (std::size_t i = 0; i < got[t].size(); ++i)
            if (c.outputs[t].name != "dk" || std::isnan(lse))
              ASSERT_EQ(std::isnan(got[t][i]), std::isnan(exact[t].value[i]))
                  << variant << " by " << by.name << ", lse " << lse << ": " << c.outputs[t].name
                  << " at " << i;
      }
    }
}

// An atomic addition may take what lies below 2^-126 for 0, before it adds and after.
TEST(sums_by_atomics, allow_for_what_is_flushed) {
  const auto sum_of = [](const auto& a, std::initializer_list<double> terms) {
    using arithmetic = std::decay_t<decltype(a)>;
    std::vector<typename arithmetic::value> all;
    for (const double each : terms) all.push_back(arithmetic::exact(each));
    return sum_by_atomics(a, all);
  };
  const running followed(reference::k_fp32);
  const concrete kernel(reference::k_fp32);
  for (const std::initializer_list<double> terms :
       {std::initializer_list<double>{0x1p-127, 0x1p-127}, {0x1.8p-126, -0x1p-126}, {0x1p-130}}) {
    const auto bound = sum_of(followed, terms);
    EXPECT_EQ(sum_of(kernel, terms).after, 0);
    EXPECT_GE(bound.after, bound.center);
    EXPECT_GT(bound.center, 0);
  }
}

const attention_variant k_dense{.name = "dense"};

struct gradient_kernel {
  const char* name;
  dtype type;
};
class attention_gradient_power : public testing::TestWithParam<gradient_kernel> {
 protected:
  case_id of(const std::string& variant, std::int64_t queries, std::int64_t keys) const {
    return gradient_of(variant, GetParam().type, queries, keys, 32, {{"scale", 0}});
  }
  bool passes_with(const case_id& id, const case_inputs& given) const {
    return passes(id, GetParam().name, given);
  }
};

TEST_P(attention_gradient_power, catches_one_query_of_1024_left_out) {
  const case_id id = of("dense", 1024, 16);
  const std::size_t grad = k_dense.grad();
  EXPECT_TRUE(passes_with(id, inputs_of(id)));
  case_inputs wrong = inputs_of(id);
  std::fill_n(wrong.values[grad].begin() + 500 * 32, 32, 0);
  EXPECT_FALSE(passes_with(id, wrong));
}

TEST_P(attention_gradient_power, catches_a_scale_that_is_off_by_a_fifth_of_a_percent) {
  const case_id id = of("dense", 16, 1024);
  case_inputs wrong = inputs_of(id);
  set(wrong, "scale", round_to(dtype::fp32, 1.002 / std::sqrt(32.0)), 0);
  EXPECT_FALSE(passes_with(id, wrong));
}

TEST_P(attention_gradient_power, catches_deltas_left_out_and_log_sum_exps_that_are_off) {
  const case_id id = of("dense", 16, 1024);
  case_inputs wrong = inputs_of(id);
  for (double& o : wrong.values[k_dense.o()]) o = 0;
  EXPECT_FALSE(passes_with(id, wrong));
  wrong = inputs_of(id);
  for (double& lse : wrong.values[k_dense.lse()]) lse += 0x1p-7;
  EXPECT_FALSE(passes_with(id, wrong));
}

TEST_P(attention_gradient_power, catches_masks_that_are_off_by_one) {
  const case_id causal = of("causal", 70, 100);
  for (const double right : {0.0, 1.0}) {
    case_inputs given = inputs_of(causal);
    given.id.variant = "window";
    given.id.shape.insert(given.id.shape.end(), {{"left", 0x1p24}, {"right", right}});
    given.parameters = {0, 0x1p24, right};
    EXPECT_EQ(passes_with(causal, given), right == 0);
  }
  const case_id padded = of("padding", 6, 1000);
  for (const double more : {0.0, 1.0}) {
    case_inputs given = inputs_of(padded);
    ASSERT_GT(given.values[k_fourth][0], 100);
    given.values[k_fourth][0] += more;
    EXPECT_EQ(passes_with(padded, given), more == 0);
  }
}

TEST_P(attention_gradient_power, catches_biases_of_the_next_key_and_a_block_that_is_not_live) {
  const case_id biased = of("bias", 16, 200);
  case_inputs given = inputs_of(biased);
  EXPECT_TRUE(passes_with(biased, given));
  std::rotate(given.values[k_fourth].begin(), given.values[k_fourth].begin() + 1,
              given.values[k_fourth].end());
  EXPECT_FALSE(passes_with(biased, given));
  const case_id sparse =
      gradient_of("blocks", GetParam().type, 16, 400, 32, {{"scale", 0}, {"causal", 0}});
  given = inputs_of(sparse);
  EXPECT_TRUE(passes_with(sparse, given));
  given.values[k_fourth][3] = 1 - given.values[k_fourth][3];
  EXPECT_FALSE(passes_with(sparse, given));
}

INSTANTIATE_TEST_SUITE_P(of, attention_gradient_power,
                         testing::Values(gradient_kernel{"naive", dtype::fp32},
                                         gradient_kernel{"flash_mma", dtype::bf16},
                                         gradient_kernel{"flash_mma", dtype::fp16}),
                         [](const auto& pair) {
                           return std::string(pair.param.name) + "_" +
                                  std::string(name_of(pair.param.type));
                         });

}  // namespace
}  // namespace assay::properties
