// The fused projection to queries, keys and values is three projections.

#include "optimized/linear_plan.hpp"
#include "properties/values.hpp"
#include "tools/gpt2/executor.hpp"
#include "tools/gpt2/test/models.hpp"

#include <gtest/gtest.h>

namespace assay::gpt2 {
namespace {

constexpr std::int64_t k_rows = 5;

// One operation by all columns [C, 3 C] of the weight, and three by C of them each.
plan projections(std::int64_t channels, dtype type) {
  const std::int64_t c = channels;
  plan all;
  const auto add = [&](const std::string& name, std::vector<std::int64_t> shape, value_role role) {
    all.values.emplace(name, planned_value{type, std::move(shape), role});
  };
  add("x", {k_rows, c}, value_role::input);
  add("w", {c, 3 * c}, value_role::parameter);
  add("b", {3 * c}, value_role::parameter);
  add("qkv", {k_rows, 3 * c}, value_role::activation);
  const operand x{"x", {k_rows, c}};
  all.operations.push_back({"fused",
                            "linear.bias.fwd",
                            {x, {"w", {c, 3 * c}}, {"b", {3 * c}}},
                            {{"qkv", {k_rows, 3 * c}}}});
  for (std::int64_t part = 0; part < 3; ++part) {
    const std::string name(1, "qkv"[part]);
    add(name, {k_rows, c}, value_role::activation);
    all.operations.push_back({name,
                              "linear.bias.fwd",
                              {x, {"w", {c, c}, {3 * c, 1}, part * c}, {"b", {c}, {}, part * c}},
                              {{name, {k_rows, c}}}});
  }
  return all;
}

std::vector<double> numbers(std::int64_t count, dtype type, std::int64_t seed) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < count; ++i)
    all.push_back(properties::round_to(type, double((i * i * 7 + seed * i) % 201 - 100) / 64));
  return all;
}

// Each of the four is within its bound. A sum's chunks follow from columns and terms (linear_plan):
// where C and 3 C columns have the same, as in GPT-2 of 768 channels, they agree bit for bit.
TEST(projection, fused_is_three) {
  for (const dtype type : {dtype::fp32, dtype::bf16, dtype::fp16})
    for (const std::int64_t c : {8, 64, 512}) {
      ASSERT_EQ(optimized::chunks_of(c, c).length, optimized::chunks_of(3 * c, c).length);
      executor by(projections(c, type), execution_on(simt::build::plain));
      by.upload("x", numbers(k_rows * c, type, 3));
      by.upload("w", numbers(c * 3 * c, type, 5));
      by.upload("b", numbers(3 * c, type, 11));
      for (const traced_operation& each : traced(by, {}, [](const auto&) { return true; }))
        EXPECT_TRUE(each.passed()) << each.name << ", C = " << c << ", " << name_of(type);
      const std::vector<double> fused = by.download("qkv");
      for (std::int64_t part = 0; part < 3; ++part) {
        const std::vector<double> alone = by.download(std::string(1, "qkv"[part]));
        for (std::int64_t i = 0; i < k_rows; ++i)
          EXPECT_TRUE(std::equal(alone.begin() + i * c, alone.begin() + (i + 1) * c,
                                 fused.begin() + (3 * i + part) * c))
              << "row " << i << " of " << part << ", C = " << c << ", " << name_of(type);
      }
    }
  EXPECT_EQ(optimized::chunks_of(768, 768).length, optimized::chunks_of(3 * 768, 768).length);
}

}  // namespace
}  // namespace assay::gpt2
