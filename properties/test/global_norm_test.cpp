// The global norm: one order of additions wherever the array lies, squares that fp32 does not have,
// and elements that are left out.

#include "properties/moderate.hpp"
#include "properties/test/attention_support.hpp"

#include <gtest/gtest.h>

namespace assay::properties {
namespace {

const std::vector<std::string> k_kernels = {"double_sums", "two_stage", "naive"};

case_id norm_case(dtype type, std::int64_t n, const fields& layout = {}) {
  case_id id{"global_norm", "norm", "fwd", {}, {{"n", n}}, {"normal", {}}, 5};
  id.types = {{"gradients", type}, {"norm", dtype::fp32}, {"factor", dtype::fp32}};
  id.shape.insert(id.shape.end(), layout.begin(), layout.end());
  id.shape.push_back({"limit", 1.0});
  return id;
}

std::vector<std::vector<double>> run_of(const case_inputs& in, const std::string& by) {
  return outputs_of({in.id, by, "emulator", 0}, in, {});
}

TEST(global_norm, adds_in_one_order_wherever_the_array_lies) {
  for (const dtype type : {dtype::fp32, dtype::bf16})
    for (const std::string& by : k_kernels) {
      case_inputs in = inputs_of(norm_case(type, 50001));
      const auto plain = run_of(in, by);
      in.id = norm_case(type, 50001, {{"align", std::int64_t(size_of(type))}});
      EXPECT_EQ(run_of(in, by), plain) << by;
    }
}

TEST(global_norm, in_double_has_squares_that_fp32_has_not) {
  for (const double size : {0x1p100, 0x1p-120}) {
    case_inputs in = inputs_of(norm_case(dtype::fp32, 4096));
    for (double& g : in.values[0]) g = size;
    const auto norm = run_of(in, "double_sums");
    EXPECT_EQ(norm[0][0], 64 * size);
    EXPECT_EQ(norm[1][0], size > 1 ? 1 / (64 * size) : 1);
    EXPECT_NE(run_of(in, "two_stage")[0][0], 64 * size);
  }
}

// One of 20,000 whole numbers, whose squares add up without an error: the first, the last, or the
// first of a block. (Judged by the strict bound alone: replicates of such sums take seconds.)
TEST(global_norm, catches_an_element_that_is_left_out) {
  for (const std::string& by : k_kernels)
    for (const dtype type : {dtype::fp32, dtype::fp16}) {
      case_id id = norm_case(type, 20000);
      id.distribution = {"exact", {}};
      const case_inputs right = inputs_of(id);
      EXPECT_TRUE(passes(id, by, right));
      for (const std::size_t which : {std::size_t(0), std::size_t(16384), std::size_t(19999)}) {
        case_inputs in = right;
        in.values[0][which] = in.values[0][which] == 0 ? 1 : 0;
        EXPECT_FALSE(passes(id, by, in)) << by << " " << which;
      }
      EXPECT_FALSE(passes(id, by, with_parameter(right, 0, double(1.00001f)))) << by;
    }
}

}  // namespace
}  // namespace assay::properties
