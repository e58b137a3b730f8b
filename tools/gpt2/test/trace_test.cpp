// The whole model by kernels, operation by operation: right ones stay within their bounds, and a
// wrong one is named.

#include "properties/contract.hpp"
#include "properties/values.hpp"
#include "tools/gpt2/test/models.hpp"
#include "tools/gpt2/test/support.hpp"

#include <cstring>

namespace assay::gpt2 {
namespace {

TEST(trace, every_operation_is_within_its_bound) {
  for (const dtype type : {dtype::fp32, dtype::bf16, dtype::fp16}) {
    const model m = test::lively(test::tiny(), type);
    EXPECT_EQ(test::first_outside(m, test::example_of(m.config, 2, 5), type,
                                  fastest_kernels(simt::build::plain)),
              "")
        << name_of(type);
  }
}

TEST(trace, so_it_is_on_tensor_cores) {
  const model m = test::lively(test::for_tensor_cores(), dtype::bf16);
  EXPECT_EQ(test::first_outside(m, test::example_of(m.config, 1, 70), dtype::bf16,
                                fastest_kernels(simt::build::plain)),
            "");
}

TEST(trace, so_are_the_steps_of_the_ladder) {
  for (int step = 1; step <= 5; ++step) {
    const model m = test::lively(gpt2_config::ladder(step, test::tiny()));
    EXPECT_EQ(test::first_outside(m, test::example_of(m.config, 2, 4), dtype::fp32,
                                  fastest_kernels(simt::build::plain)),
              "")
        << step;
  }
}

// The emulator's memory is the host's: what a kernel leaves can be spoilt behind it. The outputs
// are off by 2^-4 of themselves, as if a factor had been forgotten.
optimized::launcher g_spoilt;
void launch_and_spoil(const optimized::call& what, simt::queue& stream) {
  g_spoilt.launch(what, stream);
  stream.synchronize();
  const properties::contract* of = nullptr;
  for (const properties::contract& each : properties::contracts())
    if (each.function() == g_spoilt.function) of = &each;
  const optimized::tensor& out = what.tensors[of->inputs.size()];
  ASSERT_TRUE(out.strides.empty() || out.elements() > 0);
  for (std::int64_t i = 0; i < out.elements(); ++i) {
    std::int64_t at = i;
    if (!out.strides.empty()) {
      std::int64_t rest = i;
      at = 0;
      for (std::size_t d = out.shape.size(); d-- > 0;) {
        at += rest % out.shape[d] * out.strides[d];
        rest /= out.shape[d];
      }
    }
    const double value =
        properties::decode(out.type, properties::load_bits(out.type, out.data, at));
    properties::store_bits(
        out.type, out.data, at,
        properties::encode(out.type, properties::round_to(out.type, value * (1 + 0x1p-4))));
  }
}

// A bug in any one operation of a model of 12 blocks, there and back.
TEST(trace, names_the_operation_that_is_wrong) {
  const model m = test::lively(test::tiny(12));
  const test::example of = test::example_of(m.config, 1, 4);
  const plan all = planned(m.config, {1, 4, dtype::fp32, true});
  const kernel_choice right = fastest_kernels(simt::build::plain);
  ASSERT_EQ(all.operations.size(), 3u + 12 * 7 + 1 + 2 + 12 * 8 + 2);
  for (const operation& wrong : all.operations) {
    const kernel_choice choice = [&](const operation& each, const plan& in) {
      optimized::launcher by = right(each, in);
      if (each.name != wrong.name) return by;
      g_spoilt = by;
      by.launch = launch_and_spoil;
      return by;
    };
    const std::string found = test::first_outside(m, of, dtype::fp32, choice);
    EXPECT_EQ(found.substr(0, found.find(" (")), wrong.name) << found;
  }
}

}  // namespace
}  // namespace assay::gpt2
