// A step of training as one plan: the pass there and back, the norm, AdamW of everything.

#include "properties/values.hpp"
#include "tools/gpt2/kernel_optimizer.hpp"
#include "tools/gpt2/operation_case.hpp"
#include "tools/gpt2/pass_time.hpp"
#include "tools/gpt2/test/models.hpp"
#include "tools/gpt2/test/support.hpp"

#include <algorithm>
#include <cmath>

namespace assay::gpt2 {
namespace {

constexpr dtype k_types[] = {dtype::fp32, dtype::bf16, dtype::fp16};

executor step_of(const model& m, dtype type, const step_settings& by,
                 const execution& how = execution_on(simt::build::plain)) {
  const test::example of = test::example_of(m.config, 2, 5);
  return loaded_to_step(m, of.tokens, of.targets, type, by, how);
}

void run(executor& by) { by.run(0, by.of().operations.size()); }

TEST(step, is_made_of_cases_of_contracts) {
  for (int rung = 1; rung <= 5; ++rung)
    for (const dtype type : k_types) {
      const plan all = planned(gpt2_config::ladder(rung, test::tiny()),
                               {.batch = 2, .length = 4, .type = type, .step = step_settings{}});
      for (const operation& each : all.operations)
        EXPECT_NO_THROW(properties::validate(contract_of(each), case_of(each, all))) << each.name;
    }
}

// Parts of a value begin where another ends, and all of them are all of it.
TEST(step, has_a_place_of_its_own_for_every_parameter_and_gradient) {
  for (const bool tied : {true, false})
    for (const dtype type : k_types) {
      gpt2_config config = test::tiny();
      config.tied = tied;
      const plan all = planned(config, {.type = type, .step = step_settings{}});
      std::map<std::string, std::vector<std::pair<std::int64_t, std::int64_t>>> parts;
      for (const reference::gpt2_parameter& each : parameters_of(config))
        for (const std::string& name : {each.name, "gradient." + each.name}) {
          const planned_value& of = all.values.at(name);
          EXPECT_EQ(of.type, all.values.at(of.within).type) << name;
          parts[of.within].emplace_back(of.first, of.elements());
        }
      EXPECT_EQ(parts.size(), type == dtype::fp32 ? 2u : 3u);
      for (auto& [name, those] : parts) {
        std::sort(those.begin(), those.end());
        std::int64_t end = 0;
        for (const auto& [first, count] : those) {
          EXPECT_EQ(first, end) << name;
          end = first + count;
        }
        EXPECT_EQ(end, all.values.at(name).elements()) << name;
      }
    }
}

TEST(step, is_within_the_bounds_of_its_operations) {
  const model m = test::lively(test::tiny(1));
  for (const dtype type : k_types)
    for (const double clip : {0.0, 0.25}) {
      executor by = step_of(m, type, {{.decay = 0.5, .clip = clip}, 0x1p-4, 3});
      for (const traced_operation& each : traced(by, {}, [](const auto&) { return true; })) {
        EXPECT_TRUE(each.passed()) << each.name;
        if (each.name.starts_with("norm") || each.name.starts_with("step."))
          for (const traced_output& output : each.outputs) EXPECT_EQ(output.unjudged, 0);
      }
    }
}

// Norms have gradients in fp32 whatever the model computes in, and all of them count. The kernel is
// within 1/2 + 2^-16 ULP (double_sums, optimized/README.md), and of two kinds of gradients it comes
// twice; what is expected is a sum in double of as many squares as there are gradients.
TEST(step, has_the_norm_of_all_gradients) {
  const model m = test::lively(test::tiny());
  for (const dtype type : k_types) {
    executor by = step_of(m, type, {});
    run(by);
    double squares = 0, count = 0;
    for (const reference::gpt2_parameter& each : parameters_of(m.config))
      for (const double g : by.download("gradient." + each.name)) squares += g * g, ++count;
    const double norm = std::sqrt(squares), once = (0.5 + 0x1p-16) * 0x1p-23,
                 kernels = type == dtype::fp32 ? once : once * (2 + once);
    EXPECT_LE(std::abs(by.download("norm")[0] - norm), (kernels + count * 0x1p-53) * norm);
  }
}

// With a beta1 of 0 the mean is the gradient, by the factor: one multiplication.
TEST(step, clips_every_gradient_by_the_same_factor) {
  const model m = test::lively(test::tiny());
  for (const dtype type : k_types) {
    executor by = step_of(m, type, {{.beta1 = 0, .clip = 0.25}, 0});
    run(by);
    const auto factor = float(by.download("factor")[0]);
    // The norm and the factor are each rounded from double, by 2^-24; 2^-20 of that is more than
    // their product and the roundings in double come to.
    const double wanted = 0.25 / by.download("norm")[0];
    EXPECT_LE(std::abs(factor - wanted), (1 + 0x1p-20) * 0x1p-23 * wanted);
    const std::vector<double> means = by.download("means");
    for (const reference::gpt2_parameter& each : parameters_of(m.config)) {
      const std::vector<double> gradient = by.download("gradient." + each.name);
      auto mean = means.begin() + by.of().values.at(each.name).first;
      for (const double g : gradient) ASSERT_EQ(*mean++, factor * float(g)) << each.name;
    }
  }
}

void expect_parameters(executor& by, dtype type, const model& m) {
  const std::vector<double> weights = by.download(type == dtype::fp32 ? "parameters" : "weights");
  for (const auto& [name, parameter] : m.parameters) {
    const std::vector<double> now = by.download(name);
    auto weight = weights.begin() + by.of().values.at(name).first;
    for (std::size_t i = 0; i < now.size(); ++i, ++weight) {
      ASSERT_EQ(*weight, parameter.elements()[i]) << name;
      ASSERT_EQ(now[i], properties::round_to(type, *weight)) << name;
    }
  }
}

// The optimizer that has its gradients from the host, as `gpt2 train` runs it, for two steps. Where
// there are two kinds of gradients the norm rounds otherwise, so that nothing may depend on its
// last bit.
TEST(step, steps_as_the_optimizer) {
  for (const dtype type : k_types)
    for (const double clip : {0.0, 0.25}) {
      if (type != dtype::fp32 && clip > 0) continue;
      model m = test::lively(test::tiny(), type);
      const test::example of = test::example_of(m.config, 2, 5);
      const execution how = execution_on(simt::build::plain);
      const training_settings settings{
          .steps = 4, .warmup = 1, .rate = 0x1p-4, .decay = 0.5, .clip = clip};
      const auto engine = make_kernel_engine(m, type, how);
      executor by = step_of(m, type, {settings, 0, 1});
      kernel_optimizer along(m, settings, how);
      for (std::int64_t number = 1; number <= 2; ++number) {
        by.adopt(planned(m.config, {.batch = 2,
                                    .length = 5,
                                    .type = type,
                                    .step = step_settings{settings, along.rate(), number}}));
        run(by);
        const loss_result loss = engine->loss(of.tokens, of.targets, true);
        along.step(loss.gradients);
        EXPECT_EQ(by.download("loss")[0], loss.loss);
        expect_parameters(by, type, m);
      }
    }
}

// All that AdamW writes, every access watched and threads in other orders.
TEST(step, has_no_findings_in_any_order) {
  const model m = test::lively(test::tiny(1));
  const step_settings settings{{.decay = 0.5, .clip = 0.25}, 0x1p-4, 3};
  for (const dtype type : {dtype::fp32, dtype::bf16}) {
    const auto after = [&](const execution& how) {
      executor by = step_of(m, type, settings, how);
      run(by);
      std::vector<double> all;
      for (const char* each : {"parameters", "means", "squares"})
        for (const double x : by.download(each)) all.push_back(x);
      return all;
    };
    const std::vector<double> plain = after(execution_on(simt::build::plain));
    for (const std::uint64_t schedule : {0, 1, 2})
      EXPECT_EQ(after(execution_on(simt::build::sanitized, schedule)), plain) << schedule;
    const auto found = simt::sanitized_emulator().take_findings();
    EXPECT_TRUE(found.empty()) << simt::to_string(found.front());

    execution idle = execution_on(simt::build::sanitized);  // nobody writes the factor
    idle.choice = [right = idle.choice](const operation& each, const plan& in) {
      optimized::launcher by = right(each, in);
      if (each.name == "norm") by.launch = [](const optimized::call&, simt::queue&) {};
      return by;
    };
    after(idle);
    EXPECT_FALSE(simt::sanitized_emulator().take_findings().empty());
  }
}

// What is timed again and again is the same step: of a rate of 0.
TEST(step, of_no_rate_is_the_same_every_time) {
  const model m = test::lively(test::tiny(), dtype::bf16);
  executor by = step_of(m, dtype::bf16, {});
  const std::vector<double> parameters = by.download("parameters");
  run(by);
  const std::vector<double> gradients = by.download("gradients.bf16"),
                            squares = by.download("squares");
  timed_whole(by, true);
  EXPECT_EQ(by.download("parameters"), parameters);
  EXPECT_EQ(by.download("gradients.bf16"), gradients);
  EXPECT_NE(by.download("squares"), squares);
}

TEST(step, takes_as_many_numbers_as_a_part_has) {
  const model m = test::lively(test::tiny());
  executor by = step_of(m, dtype::fp32, {});
  const std::vector<double> before = by.download("parameters"), news(8, 0.5);
  by.upload("ln_f.bias", news);
  EXPECT_EQ(by.download("ln_f.bias"), news);
  std::vector<double> wanted = before;
  std::copy(news.begin(), news.end(), wanted.begin() + by.of().values.at("ln_f.bias").first);
  EXPECT_EQ(by.download("parameters"), wanted);
  EXPECT_THROW(by.upload("ln_f.bias", std::vector<double>(9, 0.0)), simt::error);
}

}  // namespace
}  // namespace assay::gpt2
