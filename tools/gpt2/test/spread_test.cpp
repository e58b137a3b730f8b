// The end of the whole model: kernels scatter as their arithmetic must, and what is wrong with a
// model shows; a training run stays with the exact one.

#include "tools/gpt2/spread.hpp"

#include "tools/gpt2/host_optimizer.hpp"
#include "tools/gpt2/kernel_optimizer.hpp"
#include "tools/gpt2/norm.hpp"
#include "tools/gpt2/perturbed.hpp"
#include "tools/gpt2/test/models.hpp"
#include "tools/gpt2/test/support.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::gpt2 {
namespace {

constexpr int k_runs = 30;

spread_report report_of(const model& m, dtype type, const model& run_by_kernels) {
  const test::example of = test::example_of(m.config, 2, 5);
  const auto by = make_kernel_engine(run_by_kernels, type, execution_on(simt::build::plain));
  const std::vector<double> logits = by->logits(of.tokens);
  return judge_by_spread(m, of.tokens, of.targets, type, logits,
                         by->loss(of.tokens, of.targets, true), k_runs, 1);
}

std::string outside(const spread_report& report) {
  std::string all;
  for (const judged_distance& each : report.judged)
    if (!each.passed())
      all += fmt::format("{} {:.3g} of {:.3g}; ", each.of, each.distance, each.limit);
  return all;
}

TEST(spread, kernels_are_within_it) {
  for (const dtype type : {dtype::fp32, dtype::bf16, dtype::fp16}) {
    const model m = test::lively(test::tiny(), type);
    const spread_report report = report_of(m, type, m);
    EXPECT_EQ(outside(report), "") << name_of(type);
    EXPECT_GE(report.agreement, type == dtype::fp32 ? 1 : 0.8) << name_of(type);
  }
}

// One weight of 1,500 is off by 1 %.
TEST(spread, a_wrong_weight_is_not) {
  const model m = test::lively(test::tiny());
  model wrong = m;
  wrong.parameters.at("h.1.mlp.c_fc.weight").elements()[17] *= 1.01;
  EXPECT_NE(outside(report_of(m, dtype::fp32, wrong)), "");
}

// Roundings to fp32 are off by a uniform share of a last place, and by nothing where they are
// exact.
TEST(perturbed, is_off_by_a_share_of_the_last_place) {
  perturbation::seed(1);
  double sum = 0, squares = 0;
  constexpr int k_draws = 100000;
  for (int i = 0; i < k_draws; ++i) {
    const double off = (static_cast<double>(perturbed(1.0) / perturbed(3.0)) - 1.0 / 3) / 0x1p-25;
    EXPECT_LE(std::abs(off), 0.5 + 0x1p-20);
    sum += off, squares += off * off;
    EXPECT_EQ(static_cast<double>(perturbed(1.5) + perturbed(0x1p-20)), 1.5 + 0x1p-20);
  }
  // Mean 0 and variance 1/12, within five deviations: sqrt(1 / 12 n), sqrt((1/80 - 1/144) / n).
  EXPECT_LE(std::abs(sum / k_draws), 5 * std::sqrt(1.0 / 12 / k_draws));
  EXPECT_LE(std::abs(squares / k_draws - 1.0 / 12),
            5 * std::sqrt((1.0 / 80 - 1.0 / 144) / k_draws));
}

// Losses of every step of a training run.
struct trainer {
  std::unique_ptr<engine> by;
  std::unique_ptr<optimizer> along;
};
constexpr int k_steps = 100;
constexpr training_settings k_training{.steps = k_steps, .rate = 3e-3};

std::vector<double> losses_of(const model& begin, const std::function<trainer(model&)>& make) {
  model m = begin;
  const trainer with = make(m);
  std::vector<double> losses;
  for (int i = 0; i < k_steps; ++i) {
    test::example of = test::example_of(m.config, 2, 5);
    for (auto& id : of.tokens.ids) id = (id + i) % m.config.vocabulary;
    const loss_result result = with.by->loss(of.tokens, of.targets, true);
    with.along->step(result.gradients);
    losses.push_back(result.loss);
  }
  return losses;
}

// 100 steps by kernels in fp32, the optimizer's too, against the exact ones: as far off as
// perturbed runs are.
TEST(spread, a_training_run_follows_the_exact_one) {
  constexpr int k_paths = 12;
  const model begin = test::lively(test::tiny(1));
  const std::vector<double> exact = losses_of(begin, [](model& m) {
    return trainer{make_engine({}, m), make_optimizer({}, m, k_training)};
  });
  EXPECT_LT(exact.back(), exact.front());
  std::vector<double> of_paths;
  for (int path = 0; path < k_paths; ++path)
    of_paths.push_back(relative_distance(
        losses_of(begin,
                  [&](model& m) {
                    return trainer{make_perturbed_engine(m, dtype::fp32, std::uint64_t(path)),
                                   std::make_unique<host_optimizer<perturbed>>(m, k_training)};
                  }),
        exact));
  const engine_options on{.on = "emulator"};
  const std::vector<double> by_kernels = losses_of(begin, [&](model& m) {
    return trainer{make_engine(on, m), make_optimizer(on, m, k_training)};
  });
  const judged_distance kernels = judged("losses", relative_distance(by_kernels, exact), of_paths);
  EXPECT_TRUE(kernels.passed()) << kernels.distance << " of " << kernels.limit;
  EXPECT_GT(kernels.distance, 0);
}

// What is decoded from caches, against the same tokens at once, in units of what rounding does to
// either.
TEST(spread, caches_change_nothing_beyond_it) {
  const model m = test::lively(test::tiny());
  const test::example of = test::example_of(m.config, 2, 6);
  const auto by = make_kernel_engine(m, dtype::fp32, execution_on(simt::build::plain));
  const std::vector<double> whole = by->logits(of.tokens);
  const auto running = by->begin(6);
  std::vector<double> cached;
  const std::int64_t v = m.config.vocabulary;
  for (const auto& [first, count] : {std::pair<std::int64_t, std::int64_t>{0, 3}, {3, 1}, {4, 2}}) {
    reference::token_batch news{{}, count};
    for (std::int64_t b = 0; b < 2; ++b)
      for (std::int64_t i = 0; i < count; ++i)
        news.ids.push_back(of.tokens.ids[std::size_t(b * 6 + first + i)]);
    const std::vector<double> last = running->extend(news);
    std::vector<double> wanted;
    for (std::int64_t b = 0; b < 2; ++b) {
      const auto row = whole.begin() + (b * 6 + first + count - 1) * v;
      wanted.insert(wanted.end(), row, row + v);
    }
    cached.push_back(relative_distance(last, wanted));
  }
  const spread_report report = report_of(m, dtype::fp32, m);
  const auto logits = std::find_if(report.judged.begin(), report.judged.end(),
                                   [](const auto& each) { return each.of == "logits"; });
  // Either is as far from the exact ones as the limit says; apart they are twice that at most.
  for (const double each : cached) EXPECT_LE(each, 2 * logits->limit);
}

double limit_of(const spread_report& report, const std::string& name) {
  for (const judged_distance& each : report.judged)
    if (each.of == name) return each.limit;
  ADD_FAILURE() << name;
  return 0;
}

// Columns of qkv [C, 3 C] (or its bias), and rows of the projection [C, C], as the heads stand in
// the opposite order.
model with_heads_turned(const model& of) {
  model turned = of;
  const std::int64_t c = of.config.channels, d = of.config.head_width(), h = of.config.heads;
  const auto from = [&](std::int64_t channel) { return (h - 1 - channel / d) * d + channel % d; };
  for (std::int64_t layer = 0; layer < of.config.layers; ++layer) {
    const auto name = [&](const char* rest) { return reference::name_in_block(layer, rest); };
    for (const char* each : {"attn.c_attn.weight", "attn.c_attn.bias"}) {
      const auto before = of.parameters.at(name(each)).elements();
      const auto after = turned.parameters.at(name(each)).elements();
      for (std::size_t i = 0; i < after.size(); ++i) {
        const auto column = std::int64_t(i) % (3 * c);
        after[i] = before[i - std::size_t(column % c) + std::size_t(from(column % c))];
      }
    }
    const auto before = of.parameters.at(name("attn.c_proj.weight")).elements();
    const auto after = turned.parameters.at(name("attn.c_proj.weight")).elements();
    for (std::size_t i = 0; i < after.size(); ++i)
      after[i] = before[std::size_t(from(std::int64_t(i) / c) * c + std::int64_t(i) % c)];
  }
  return turned;
}

// Two results that are each within the limit of the exact one are apart by twice that at most.
TEST(spread, the_order_of_heads_means_nothing) {
  const model m = test::lively(test::tiny()), turned = with_heads_turned(m);
  const test::example of = test::example_of(m.config, 2, 5);
  const auto logits_of = [&](const model& each) {
    return make_kernel_engine(each, dtype::fp32, execution_on(simt::build::plain))
        ->logits(of.tokens);
  };
  const double apart = relative_distance(logits_of(turned), logits_of(m));
  EXPECT_GT(apart, 0);  // the projection adds its terms in another order
  EXPECT_LE(apart, 2 * limit_of(report_of(m, dtype::fp32, m), "logits"));
}

// Two batches of as many targets, one after the other, and both at once.
TEST(spread, accumulated_gradients_are_those_of_the_whole_batch) {
  const model m = test::lively(test::tiny());
  test::example all = test::example_of(m.config, 2, 5);
  for (std::size_t i = 0; i < 10; ++i)
    all.targets[i] = std::int64_t(3 * i + 1) % m.config.vocabulary;
  const auto by = make_kernel_engine(m, dtype::fp32, execution_on(simt::build::plain));
  const loss_result whole = by->loss(all.tokens, all.targets, true);
  const auto half = [&](std::ptrdiff_t first) {
    return by->loss({{all.tokens.ids.begin() + first, all.tokens.ids.begin() + first + 5}, 5},
                    {all.targets.begin() + first, all.targets.begin() + first + 5}, true);
  };
  const loss_result one = half(0), other = half(5);
  const spread_report report = judge_by_spread(m, all.tokens, all.targets, dtype::fp32,
                                               by->logits(all.tokens), whole, k_runs, 1);
  for (const auto& [name, gradient] : whole.gradients) {
    std::vector<double> mean;
    for (std::size_t i = 0; i < gradient.elements().size(); ++i)
      mean.push_back(
          (one.gradients.at(name).elements()[i] + other.gradients.at(name).elements()[i]) / 2);
    EXPECT_LE(relative_distance(mean, gradient.elements()),
              2 * limit_of(report, "gradient." + name))
        << name;
  }
}

}  // namespace
}  // namespace assay::gpt2
