// assay run multi_head, on files as a person would write them.

#include "tools/assay/test/run_command.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace assay::tools::test {
namespace {

using namespace properties;

// 2 batches of 3 tokens of 64 channels; queries and keys are 0, values 2 x + 1, y their halves
// and 3: of tokens that are all seen alike, half of the mean of 2 x + 1, and 3.
std::vector<stored_tensor> tensors_of(dtype type) {
  constexpr std::int64_t c = 64;
  std::vector<double> x, w_qkv(3 * c * c), b_qkv(3 * c), w_out(c * c), b_out(c, 3);
  for (std::int64_t i = 0; i < 2 * 3 * c; ++i) x.push_back(double(i * 7 % 33 - 16) / 8);
  std::fill(b_qkv.begin() + 2 * c, b_qkv.end(), 1);
  for (std::int64_t k = 0; k < c; ++k) {
    w_qkv[std::size_t(k * 3 * c + 2 * c + k)] = 2;
    w_out[std::size_t(k * c + k)] = 0.5;
  }
  return {tensor("x", type, {2, 3, c}, x), tensor("w_qkv", type, {c, 3 * c}, w_qkv),
          tensor("b_qkv", type, {3 * c}, b_qkv), tensor("w_out", type, {c, c}, w_out),
          tensor("b_out", type, {c}, b_out)};
}

// The first token of each batch sees itself, and the second two: exact means, on every backend.
void expect_means(const std::vector<double>& y, const std::vector<double>& x) {
  for (std::size_t b = 0; b < 2; ++b)
    for (std::size_t d = 0; d < 64; ++d) {
      const std::size_t at = b * 192 + d;
      EXPECT_EQ(y[at], x[at] + 3.5);
      EXPECT_EQ(y[at + 64], (x[at] + x[at + 64]) / 2 + 3.5);
    }
}

TEST_F(run, gives_multi_head_attention_on_the_reference_and_by_every_kernel) {
  for (const dtype type : {dtype::fp32, dtype::fp16}) {
    give(tensors_of(type));
    const std::vector<double> x = values(tensors_of(type)[0]);
    for (const char* heads : {"heads=1", "heads=2"}) {
      ASSERT_EQ(run_on("reference", "multi_head.causal.fwd", {"--param", heads}).code, 0);
      EXPECT_EQ(result().at("y").shape, (std::vector<std::int64_t>{2, 3, 64}));
      expect_means(values(result().at("y")), x);
      for (const char* by : {"naive", type == dtype::fp32 ? "flash_simple" : "flash_mma"}) {
        const ended told =
            run_on("emulator", "multi_head.causal.fwd", {"--param", heads, "--impl", by});
        ASSERT_EQ(told.code, 0) << told.err;
        expect_means(values(result().at("y")), x);
      }
    }
  }
}

TEST_F(run, tells_what_multi_head_attention_does_not_take) {
  give(tensors_of(dtype::fp16));
  expect_refused(run_on("reference", "multi_head.dense.fwd", {"--param", "heads=3"}),
                 "c=64 is not a multiple of heads=3");
  expect_refused(run_on("reference", "multi_head.dense.fwd", {"--param", "heads=0"}),
                 "heads=0 is not a number from 1 to 16777216");
  expect_refused(
      run_on("emulator", "multi_head.dense.fwd", {"--impl", "flash_mma", "--param", "heads=4"}),
      "'flash_mma' does not take these tensors: heads of 16; takes those of 32, 64, 96 and 128");
  std::vector<stored_tensor> narrow = tensors_of(dtype::fp16);
  narrow[1] = tensor("w_qkv", dtype::fp16, {64, 128}, std::vector<double>(64 * 128));
  give(narrow);
  expect_refused(run_on("reference", "multi_head.dense.fwd"),
                 "tensor 'w_qkv' has 3c = 128, and 192 elsewhere");
}

}  // namespace
}  // namespace assay::tools::test
