// Linear layers: that division of the work changes no bit; what kernels move, counted; which
// mistakes leave the bounds.

#include "optimized/linear_plan.hpp"
#include "properties/linear_layer.hpp"
#include "properties/test/attention_support.hpp"
#include "properties/values.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::properties {
namespace {

using namespace linear_inputs;

case_id linear_of(const std::string& variant, dtype type, std::int64_t rows, std::int64_t in,
                  std::int64_t out, const std::string& direction = "fwd") {
  case_id id{"linear", variant, direction, {}, {}, {"normal", {}}, 5};
  const contract& c = contract_of(id);
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors) id.types.push_back({each.name, type});
  id.shape = {{"rows", rows}, {"in", in}, {"out", out}};
  return id;
}

std::vector<std::vector<double>> outputs_by(const std::string& by, const case_inputs& in) {
  return outputs_of({in.id, by, "emulator", 0}, in, {});
}

// ---- bits --------------------------------------------------------------------------------------

// Columns [first, first + out) of w and b.
case_inputs part_of(const case_inputs& in, std::int64_t first, std::int64_t out) {
  const linear_shape shape = linear_shape::of(in.id);
  case_inputs part = in;
  set(part, "out", out);
  for (const std::size_t t : {k_w, k_b}) {
    part.values[t].clear();
    for (auto row = in.values[t].begin(); row != in.values[t].end(); row += shape.out)
      part.values[t].insert(part.values[t].end(), row + first, row + first + out);
  }
  return part;
}

// Packed queries, keys and values from one matrix, and each from its third of it: the same bits.
TEST(linear, of_packed_weights_is_three_projections_bit_for_bit) {
  for (const auto& [by, type] : {std::pair{"naive", dtype::fp32},
                                 {"naive", dtype::fp16},
                                 {"tiled", dtype::fp32},
                                 {"mma", dtype::bf16},
                                 {"mma_128", dtype::fp16}}) {
    const case_inputs in = inputs_of(linear_of("bias", type, 70, 96, 288));
    const std::vector<double> packed = outputs_by(by, in)[0];
    for (std::int64_t part = 0; part < 3; ++part) {
      const std::vector<double> one = outputs_by(by, part_of(in, 96 * part, 96))[0];
      for (std::int64_t i = 0; i < 70 * 96; ++i)
        ASSERT_EQ(one[std::size_t(i)], packed[std::size_t(i / 96 * 288 + part * 96 + i % 96)]) << i;
    }
  }
}

// The emulator's tensor cores add in order: on a GPU these two differ.
TEST(linear, of_one_chunk_on_emulated_tensor_cores_is_the_naive_one_bit_for_bit) {
  for (const auto& [rows, in, out] :
       {std::tuple{70, 96, 130}, {1, 8, 24}, {65, 43, 41}, {64, 128, 64}, {3, 1, 1}})
    for (const char* variant : {"bias", "out_in"}) {
      ASSERT_EQ(optimized::chunks_of(out, in).count, 1);
      const case_inputs all = inputs_of(linear_of(variant, dtype::fp16, rows, in, out)),
                        back = inputs_of(linear_of(variant, dtype::fp16, rows, in, out, "bwd"));
      for (const char* by : {"mma", "mma_128"}) {
        EXPECT_EQ(outputs_by(by, all), outputs_by("naive", all));
        const auto here = outputs_by(by, back), there = outputs_by("naive", back);
        EXPECT_EQ(here[0], there[0]);  // dx
        EXPECT_EQ(here[1], there[1]);  // dw
      }
    }
}

// Chunks that are a block's each, and others that a block takes in turn, in tiles of 64 and of 128.
TEST(linear, has_the_same_bits_whoever_takes_which_chunk) {
  const std::int64_t in = 520, out = 8;
  ASSERT_EQ(optimized::chunks_of(out, in).count, 2);
  ASSERT_TRUE(optimized::plan_of(5, out, in).apart);
  case_inputs few = inputs_of(linear_of("bias", dtype::bf16, 5, in, out));
  // One sum shows in which order it was added up: 2^24 and ones, which it loses, in the first chunk
  // of 288, and in the second ones, which it keeps, before -2^24.
  for (std::int64_t k = 0; k < in; ++k) {
    few.values[k_x][std::size_t(k)] = k == 0 ? 0x1p24 : k == in - 1 ? -0x1p24 : 1;
    few.values[k_w][std::size_t(k * out)] = 1;
  }
  few.values[k_b][0] = 0;
  const std::vector<double> y = outputs_by("mma", few)[0];
  EXPECT_EQ(y[0], 520 - 288 - 1);
  EXPECT_EQ(outputs_by("naive", few)[0][0], 0);
  EXPECT_EQ(outputs_by("mma_128", few)[0], y);
  for (const auto& [rows, tile] : {std::pair{64 * 128, 64}, {128 * 128, 128}}) {
    ASSERT_EQ(optimized::plan_of(rows, out, in).tile, tile);
    ASSERT_FALSE(optimized::plan_of(rows, out, in).apart);
    case_inputs many = few;
    set(many, "rows", std::int64_t(rows));
    many.values[k_x].resize(std::size_t(rows * in));
    std::copy(few.values[k_x].begin(), few.values[k_x].end(), many.values[k_x].end() - 5 * in);
    const std::vector<double> all = outputs_by("mma", many)[0];
    EXPECT_EQ(std::vector<double>(all.end() - 5 * out, all.end()), y) << rows;
  }
}

// ---- what is moved -----------------------------------------------------------------------------

// Whole tiles: left once for every tile of columns, right once for every tile of rows. No access of
// shared memory has a bank conflict, however operands lie.
TEST(linear, on_tensor_cores_moves_and_multiplies_what_the_formulas_say) {
  for (const auto& [by, tile] : {std::pair{"mma", 64u}, {"mma_128", 128u}})
    for (const char* variant : {"bias", "out_in"}) {
      constexpr std::uint64_t k_rows = 128, k_in = 64, k_out = 256;
      const auto bytes = [&](std::uint64_t m, std::uint64_t k, std::uint64_t n) {
        return 2 * (m * k * (n / tile) + k * n * (m / tile));
      };
      const simt::counters forward =
          counted(linear_of(variant, dtype::bf16, k_rows, k_in, k_out), by);
      EXPECT_EQ(forward.global_load_bytes, bytes(k_rows, k_in, k_out) + 2 * k_rows * k_out);
      EXPECT_EQ(forward.global_store_bytes, 2 * k_rows * k_out);
      EXPECT_EQ(forward.tensor_core_flops, 2 * k_rows * k_in * k_out);
      EXPECT_EQ(forward.shared_bank_conflicts, 0u);
    }
}

// Backward: 64 rows, 128 inputs and outputs; dx, dw, and db of 64 rows in one part.
TEST(linear, of_gradients_moves_what_the_formulas_say_without_bank_conflicts) {
  for (const char* variant : {"bias", "out_in"}) {
    const simt::counters all = counted(linear_of(variant, dtype::fp16, 64, 128, 128, "bwd"), "mma");
    const std::uint64_t dx = 2 * (64 * 128 * 2 + 128 * 128 * 1), dw = 2 * (64 * 128 * 2 * 2),
                        db = 2 * 64 * 128 + 4 * 128;
    EXPECT_EQ(all.global_load_bytes, dx + dw + db);
    EXPECT_EQ(all.global_store_bytes, 2 * (64 * 128 + 128 * 128 + 128) + 4 * 128u);
    EXPECT_EQ(all.tensor_core_flops, 2 * 2 * 64 * 128 * 128u);
    EXPECT_EQ(all.shared_bank_conflicts, 0u);
  }
}

TEST(linear, through_shared_memory_has_no_bank_conflicts_however_operands_lie) {
  for (const char* variant : {"bias", "out_in"})
    for (const char* direction : {"fwd", "bwd"})
      EXPECT_EQ(counted(linear_of(variant, dtype::fp32, 70, 40, 72, direction), "tiled")
                    .shared_bank_conflicts,
                0u)
          << variant << direction;
}

// Rows that do not begin at multiples of 16 bytes, of both operands, in every form, to more stages
// than there are; and ends of chunks.
TEST(linear, on_tensor_cores_waits_for_what_it_reads_and_reads_what_is_there) {
  for (const char* variant : {"bias", "out_in"})
    for (const char* by : {"mma", "mma_128"})
      for (const auto& [in, out] : {std::pair{200, 24}, {203, 25}, {530, 8}}) {
        counted(linear_of(variant, dtype::fp16, 3, in, out), by);
        counted(linear_of(variant, dtype::fp16, 5, out, in, "bwd"), by);
        counted(linear_of(variant, dtype::bf16, in, 9, 8, "bwd"), by);
      }
}

// ---- mistakes ----------------------------------------------------------------------------------

struct linear_kernel {
  const char* name;
  dtype type;
};
class linear_power : public testing::TestWithParam<linear_kernel> {
 protected:
  static constexpr std::int64_t k_in = 48, k_out = 40;

  case_id usual(const std::string& variant = "bias", const std::string& direction = "fwd") const {
    return linear_of(variant, GetParam().type, 16, k_in, k_out, direction);
  }
  bool caught(const case_inputs& given, const case_id& as) const {
    return !passes(as, GetParam().name, given);
  }
  // Every element of a tensor, by its index.
  template <class Change>
  bool caught_with(const case_id& id, std::size_t tensor, const Change& change) const {
    case_inputs in = inputs_of(id);
    std::vector<double>& all = in.values[tensor];
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = round_to(GetParam().type, change(all[i], std::int64_t(i)));
    return caught(in, id);
  }
};

TEST_P(linear_power, lets_pass_what_is_right) {
  for (const linear_variant& of : linear_variants())
    for (const char* direction : {"fwd", "bwd"})
      if (of.backward || std::string(direction) == "fwd") {
        const case_id id = usual(of.name, direction);
        EXPECT_FALSE(caught(inputs_of(id), id)) << of.name << direction;
      }
}

// One term of 48 missing from one output; the bias; one of the residual.
TEST_P(linear_power, catches_a_term_that_is_dropped) {
  EXPECT_TRUE(caught_with(usual(), k_w,
                          [](double x, std::int64_t i) { return i == 17 * k_out + 9 ? 0 : x; }));
  EXPECT_TRUE(caught_with(usual(), k_b, [](double, std::int64_t) { return 0; }));
  EXPECT_TRUE(caught_with(usual("residual"), k_r,
                          [](double x, std::int64_t i) { return i == 100 ? 0 : x; }));
  EXPECT_TRUE(caught_with(usual("gelu_tanh"), k_b, [](double, std::int64_t) { return 0; }));
}

TEST_P(linear_power, catches_the_other_gelu_and_the_other_layout) {
  case_inputs tanh = inputs_of(usual("gelu_erf"));
  tanh.id.variant = "gelu_tanh";
  EXPECT_TRUE(caught(tanh, usual("gelu_erf")));
  for (const char* direction : {"fwd", "bwd"}) {
    case_inputs square = inputs_of(linear_of("bias", GetParam().type, 16, 40, 40, direction));
    const case_id as = square.id;
    square.id.variant = "out_in";
    EXPECT_TRUE(caught(square, as)) << direction;
  }
}

// A weight that is a little too large: by a hundredth of a percent in fp32, and in 16 bits, where
// the last rounding hides less than half a ULP of y, by one or two percent.
TEST_P(linear_power, catches_a_scale_that_is_off) {
  const double by = GetParam().type == dtype::fp32   ? 1.0001
                    : GetParam().type == dtype::fp16 ? 1.005
                                                     : 1.02;
  EXPECT_TRUE(caught_with(usual(), k_w, [by](double x, std::int64_t) { return by * x; }));
}

TEST_P(linear_power, catches_gradients_without_one_row_or_one_output) {
  const case_id id = usual("bias", "bwd");
  EXPECT_TRUE(
      caught_with(id, k_dy, [](double x, std::int64_t i) { return i / k_out == 15 ? 0 : x; }));
  EXPECT_TRUE(
      caught_with(id, k_w, [](double x, std::int64_t i) { return i % k_out == 39 ? 0 : x; }));
}

INSTANTIATE_TEST_SUITE_P(
    of, linear_power,
    testing::Values(linear_kernel{"naive", dtype::fp32}, linear_kernel{"tiled", dtype::fp32},
                    linear_kernel{"naive", dtype::bf16}, linear_kernel{"mma", dtype::bf16},
                    linear_kernel{"mma_128", dtype::fp16}),
    [](const auto& pair) {
      return std::string(pair.param.name) + "_" + std::string(name_of(pair.param.type));
    });

}  // namespace
}  // namespace assay::properties
