// Cross-entropy: how often logits are read, bits that do not depend on where a row lies, and which
// mistakes leave the bounds.

#include "properties/cross_entropy_shape.hpp"
#include "properties/test/attention_support.hpp"

#include <gtest/gtest.h>

namespace assay::properties {
namespace {

const std::vector<std::string> k_kernels = {"staged", "staged_unit", "three_pass"};

case_id entropy_of(const std::string& variant, const std::string& direction, dtype type,
                   std::int64_t rows, std::int64_t columns, double live = 0,
                   const fields& layout = {}) {
  case_id id{"cross_entropy", variant, direction, {}, {}, {"normal", {}}, 5};
  const contract& c = contract_of(id);
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors)
      id.types.push_back({each.name, each.name == "targets"                          ? dtype::int32
                                     : each.name == "losses" || each.name == "total" ? dtype::fp32
                                                                                     : type});
  id.shape = {{"rows", rows}, {"v", columns}};
  id.shape.insert(id.shape.end(), layout.begin(), layout.end());
  id.shape.push_back({"live", live});
  if (direction == "bwd") id.shape.push_back({"scale", 1.0});
  return id;
}

std::vector<std::vector<double>> run_of(const case_inputs& in, const std::string& by) {
  return outputs_of({in.id, by, "emulator", 0}, in, {});
}

// Rows of GPT-2's vocabulary in 16 bits: each logit once, and the target's own once more. (Beside
// them a thread reads its target, and how many rows count.) Half a vocabulary more, and all but the
// last chunk of 53,248 columns are read twice.
TEST(cross_entropy, reads_a_row_of_50257_columns_once) {
  for (const auto& [columns, reads] :
       {std::pair<std::int64_t, std::int64_t>{50257, 50257}, {75000, 75000 + 53248}}) {
    case_id id = entropy_of("sum", "bwd", dtype::bf16, 1, columns);
    while (target_of(inputs_of(id), 0) < 0) ++id.seed;  // a row that counts
    const simt::counters all = counted(id, "staged");
    EXPECT_EQ(all.global_load_bytes, std::uint64_t(2 * reads + 2 + 512 * 4 + 4));
    EXPECT_EQ(all.global_store_bytes, std::uint64_t(2 * columns + 4 + 4));
    EXPECT_EQ(all.global_atomic_bytes, 0u);
  }
}

// Threads read neighbouring columns, and words are copied as they lie.
TEST(cross_entropy, has_no_bank_conflicts) {
  for (const dtype type : {dtype::fp32, dtype::bf16})
    EXPECT_EQ(counted(entropy_of("mean", "bwd", type, 3, 5003), "staged").shared_bank_conflicts,
              0u);
}

// Rows of odd lengths begin anywhere between two multiples of 16 bytes; so do those of tensors that
// do, and of those with gaps. The gradient lies where the logits do, or elsewhere.
TEST(cross_entropy, gives_a_row_the_same_bits_wherever_it_lies) {
  for (const dtype type : {dtype::fp32, dtype::fp16})
    for (const std::string& by : k_kernels) {
      const case_inputs in = inputs_of(entropy_of("mean", "bwd", type, 9, 4101, 4099));
      const auto plain = run_of(in, by);
      const auto size = std::int64_t(size_of(type));
      for (const fields& layout :
           {fields{{"align", size}}, fields{{"align", size}, {"pad", 3}}, fields{{"pad", 8}},
            fields{{"inplace", 1}}, fields{{"align", size}, {"inplace", 1}, {"pad", 1}}}) {
        case_inputs moved = in;
        moved.id = entropy_of("mean", "bwd", type, 9, 4101, 4099, layout);
        EXPECT_EQ(run_of(moved, by), plain) << print(moved.id) << " " << by;
      }
    }
}

// One of many columns more, or less; one row more that counts; a target beside its own; a scale.
TEST(cross_entropy, catches_what_is_off_by_one) {
  for (const std::string& by : k_kernels)
    for (const dtype type : {dtype::fp32, dtype::bf16}) {
      const case_id id = entropy_of("mean", "bwd", type, 6, 600, 599);
      const case_inputs right = inputs_of(id);
      EXPECT_TRUE(passes(id, by, right));
      for (const double live : {598.0, 600.0}) {
        case_inputs in = right;
        set(in, "live", live, 0);
        EXPECT_FALSE(passes(id, by, in)) << by << " " << live;
      }
      case_inputs ignored = right, beside = right, scaled = right;
      double& last = ignored.values[k_targets].back();
      last = last < 0 ? 0 : -100;
      EXPECT_FALSE(passes(id, by, ignored)) << by;
      for (double& target : beside.values[k_targets])
        if (target >= 0) target = target > 0 ? target - 1 : 1;
      EXPECT_FALSE(passes(id, by, beside)) << by;
      scaled.parameters[1] = double(1.01f);
      EXPECT_FALSE(passes(id, by, scaled)) << by;
    }
}

// Rows of more columns than a chunk of shared memory: 24,576 of fp32, 53,248 of 16 bits. Of numbers
// that are judged by the strict bound alone: replicates of such rows take minutes.
TEST(cross_entropy, takes_rows_of_several_chunks) {
  for (const auto& [type, columns] : {std::pair<dtype, std::int64_t>{dtype::fp32, 24576},
                                      {dtype::fp32, 24577},
                                      {dtype::bf16, 53248},
                                      {dtype::bf16, 110001}})
    for (const fields& layout : {fields{}, fields{{"inplace", 1}}}) {
      case_id id = entropy_of("sum", "bwd", type, 1, columns + 3, double(columns), layout);
      id.distribution = {"exact", {}};
      EXPECT_TRUE(passes(id, "staged", inputs_of(id))) << print(id);
    }
}

}  // namespace
}  // namespace assay::properties
