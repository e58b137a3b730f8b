// The optimizer by kernels: each of its calls is within its bound, and it steps as the reference's.

#include "properties/values.hpp"
#include "tools/gpt2/host_optimizer.hpp"
#include "tools/gpt2/kernel_optimizer.hpp"
#include "tools/gpt2/test/models.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace assay::gpt2 {
namespace {

std::vector<double> numbers(std::size_t count, double scale) {
  std::vector<double> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(properties::round_to(dtype::fp32, scale * (double(i * 37 % 101) - 50) / 64));
  return all;
}

// With and without clipping, where all decays, some, nothing.
TEST(optimizer, by_kernels_is_within_its_bounds) {
  constexpr std::int64_t k_elements = 3000;
  for (const std::int64_t decaying : {k_elements, std::int64_t(2001), std::int64_t(0)})
    for (const double clip : {0.0, 1.0, 1e6})
      for (const std::int64_t number : {1, 77}) {
        executor by(step_plan(k_elements, decaying, {{.clip = clip}, 1e-2, number}),
                    execution_on(simt::build::plain));
        by.upload("parameters", numbers(k_elements, 1));
        by.upload("gradients.fp32", numbers(k_elements, 0.25));
        by.upload("means", numbers(k_elements, 0.125));
        std::vector<double> squares = numbers(k_elements, 0.5);
        for (double& each : squares) each = std::abs(each);
        by.upload("squares", squares);
        std::size_t calls = 0;
        for (const traced_operation& each : traced(by, {}, [](const auto&) { return true; })) {
          EXPECT_TRUE(each.passed()) << each.name << ": " << each.outputs[0].reason;
          for (const traced_output& output : each.outputs) EXPECT_EQ(output.unjudged, 0);
          ++calls;
        }
        EXPECT_EQ(calls, decaying == 2001 ? 3u : 2u);
      }
}

// A line up to the rate, and half a period of a cosine down to a tenth of it, where it stays.
TEST(optimizer, the_rate_rises_and_falls) {
  model m = test::lively(test::tiny(1));
  host_optimizer<double> along(m, {.steps = 10, .warmup = 4, .rate = 8});
  std::vector<double> rates;
  for (int i = 0; i < 12; ++i) {
    rates.push_back(along.rate());
    along.step(m.parameters);
  }
  const double half = 8 * (0.1 + 0.9 / 2);
  const std::vector<double> wanted = {2, 4, 6, 8};
  EXPECT_TRUE(std::equal(wanted.begin(), wanted.end(), rates.begin()));
  EXPECT_DOUBLE_EQ(rates[6], half);  // 3 of 6 steps
  for (const std::size_t late : {9, 10, 11}) EXPECT_DOUBLE_EQ(rates[late], 0.8);
  EXPECT_TRUE(std::is_sorted(rates.begin() + 3, rates.end(), std::greater<>()));
}

// Gradients of signs alone, and no decay: the first step moves each weight by the rate, to the
// other side. Matrices decay, and nothing else does.
TEST(optimizer, steps_against_the_gradient_and_lets_matrices_decay) {
  for (const char* on : {"reference", "emulator"})
    for (const double decay : {0.0, 0.5}) {
      model m = test::lively(test::tiny(1));
      const model before = m;
      const training_settings by{
          .steps = 10, .warmup = 0, .rate = 0x1p-6, .eps = 0, .decay = decay, .clip = 0};
      const auto along = make_optimizer({.on = on}, m, by);
      const double rate = along->rate();
      weights gradients;
      std::int64_t count = 0;
      for (const auto& [name, parameter] : m.parameters) {
        std::vector<double> signs(parameter.elements().size());
        for (double& each : signs) each = count++ % 3 == 0 ? -1 : 1;
        gradients.emplace(name, reference::tensor<double>(parameter.extents(), signs));
      }
      EXPECT_EQ(float(along->step(gradients)), float(std::sqrt(double(count)))) << on;
      for (const auto& [name, parameter] : m.parameters) {
        const std::span<const double> old = before.parameters.at(name).elements(),
                                      sign = gradients.at(name).elements();
        const double of_weight = decays(parameter.extents().rank()) ? decay : 0;
        for (std::size_t i = 0; i < old.size(); ++i) {
          const double moved = sign[i] + of_weight * old[i], wanted = old[i] - rate * moved;
          // 1 - beta is divided by itself. The rate, what is moved and the weight round to fp32
          // once each; 2^-20 of that is room for their products and for double's own.
          const double off =
              (1 + 0x1p-20) * 0x1p-24 * (2 * rate * std::abs(moved) + std::abs(wanted));
          EXPECT_LE(std::abs(parameter.elements()[i] - wanted), off) << name << ", " << on;
        }
      }
    }
}

}  // namespace
}  // namespace assay::gpt2
