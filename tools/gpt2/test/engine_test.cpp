// Kernels and the reference compute the same model: what must hold whatever the numbers are.

#include "tools/assay/exit_code.hpp"
#include "tools/gpt2/status.hpp"
#include "tools/gpt2/test/models.hpp"
#include "tools/gpt2/test/support.hpp"

#include <cmath>

namespace assay::gpt2 {
namespace {

std::unique_ptr<engine> kernels(const model& m, dtype type = dtype::fp32,
                                const execution& how = execution_on(simt::build::plain)) {
  return make_kernel_engine(m, type, how);
}

// A later token changes no bit of an earlier logit.
TEST(engine, the_past_knows_nothing_of_the_future) {
  for (const dtype type : {dtype::fp32, dtype::bf16}) {
    const model m = test::lively(test::tiny(), type);
    reference::token_batch tokens = test::example_of(m.config, 2, 6).tokens, other = tokens;
    other.ids[4] = (other.ids[4] + 1) % m.config.vocabulary;
    const std::vector<double> here = kernels(m, type)->logits(tokens),
                              there = kernels(m, type)->logits(other);
    const std::int64_t v = m.config.vocabulary;
    EXPECT_TRUE(std::equal(here.begin(), here.begin() + 4 * v, there.begin()));
    EXPECT_FALSE(std::equal(here.begin() + 4 * v, here.begin() + 5 * v, there.begin() + 4 * v));
    EXPECT_TRUE(std::equal(here.begin() + 6 * v, here.end(), there.begin() + 6 * v));
  }
}

// What else is in the batch changes no bit of a sequence's logits.
TEST(engine, a_sequence_knows_nothing_of_its_batch) {
  for (const gpt2_config& config : {test::tiny(), test::for_tensor_cores()}) {
    const model m = test::lively(config, dtype::bf16);
    const reference::token_batch all = test::example_of(config, 3, 5).tokens;
    const std::vector<double> together = kernels(m, dtype::bf16)->logits(all);
    for (std::int64_t b = 0; b < 3; ++b) {
      const reference::token_batch one{{all.ids.begin() + b * 5, all.ids.begin() + b * 5 + 5}, 5};
      const std::vector<double> alone = kernels(m, dtype::bf16)->logits(one);
      EXPECT_TRUE(
          std::equal(alone.begin(), alone.end(), together.begin() + b * 5 * config.vocabulary))
          << b;
    }
  }
}

// Equal weights, tied and not: logits and loss bit for bit; wte's gradient is the sum of both.
TEST(engine, a_tied_head_is_one_with_equal_weights) {
  const model tied = test::lively(test::tiny());
  model untied = tied;
  untied.config.tied = false;
  untied.parameters.emplace("lm_head.weight", tied.parameters.at("wte.weight"));
  const test::example of = test::example_of(tied.config, 2, 5);
  EXPECT_EQ(kernels(tied)->logits(of.tokens), kernels(untied)->logits(of.tokens));
  const loss_result a = kernels(tied)->loss(of.tokens, of.targets, true),
                    b = kernels(untied)->loss(of.tokens, of.targets, true);
  EXPECT_EQ(a.loss, b.loss);
  const auto sum = a.gradients.at("wte.weight").elements(),
             head = b.gradients.at("lm_head.weight").elements(),
             lookup = b.gradients.at("wte.weight").elements();
  for (std::size_t i = 0; i < sum.size(); ++i)
    EXPECT_EQ(float(sum[i]), float(head[i]) + float(lookup[i])) << i;
}

// All logits are equal, so the loss is log V: in the reference as far off as its logarithm is (in
// log_softmax and here), a difference, the sum of as many losses, a quotient, and log V's rounding
// here; in kernels within the bound of the loss.
TEST(engine, zero_weights_guess) {
  model m = initial_model(test::tiny(), 1);
  for (auto& [name, parameter] : m.parameters)
    for (double& each : parameter.elements()) each = 0;
  const test::example of = test::example_of(m.config, 2, 5);
  const double wanted = std::log(double(m.config.vocabulary));
  constexpr double k_allowed = 2 * reference::special<double>::k_error + (8 + 2) * 0x1p-53;
  EXPECT_NEAR(make_engine({}, m)->loss(of.tokens, of.targets, false).loss, wanted,
              k_allowed * wanted);
  for (const double each : kernels(m)->logits(of.tokens)) EXPECT_EQ(each, 0);
  EXPECT_EQ(test::first_outside(m, of, dtype::fp32, fastest_kernels(simt::build::plain)), "");
}

// What a pass and some decoding come to, as bits.
struct everything {
  loss_result pass;
  std::vector<double> decoded;
};
everything everything_of(const model& m, const test::example& of, const execution& how) {
  everything all{kernels(m, dtype::fp32, how)->loss(of.tokens, of.targets, true), {}};
  const auto by = kernels(m, dtype::fp32, how);  // which has to live as long as its session
  const auto running = by->begin(m.config.context);
  for (const std::int64_t length : {3, 1, 2}) {
    const test::example next = test::example_of(m.config, 2, length);
    const std::vector<double> logits = running->extend(next.tokens);
    all.decoded.insert(all.decoded.end(), logits.begin(), logits.end());
  }
  return all;
}

std::vector<simt::finding> findings() { return simt::sanitized_emulator().take_findings(); }

// Every access watched, and threads in other orders: no findings, the same bits.
TEST(engine, has_no_findings_in_any_order) {
  const model m = test::lively(test::tiny());
  const test::example of = test::example_of(m.config, 2, 5);
  const everything plain = everything_of(m, of, execution_on(simt::build::plain));
  for (const std::uint64_t schedule : {0, 1, 2, 3}) {
    const everything watched = everything_of(m, of, execution_on(simt::build::sanitized, schedule));
    const auto found = findings();
    EXPECT_TRUE(found.empty()) << simt::to_string(found.front());
    EXPECT_EQ(plain.pass.loss, watched.pass.loss) << schedule;
    EXPECT_EQ(plain.decoded, watched.decoded) << schedule;
    for (const auto& [name, gradient] : plain.pass.gradients) {
      const auto a = gradient.elements(), b = watched.pass.gradients.at(name).elements();
      EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin())) << name << ", " << schedule;
    }
  }
}

// Memory that an operation has left unwritten does not remain unseen when the next one reads it.
TEST(engine, findings_are_of_every_operation) {
  const model m = test::lively(test::tiny(1));
  const test::example of = test::example_of(m.config, 1, 3);
  const execution right = execution_on(simt::build::sanitized);
  for (const char* name : {"embedding", "h.0.attn.c_attn", "loss", "d.h.0.ln_1"}) {
    execution idle = right;
    idle.choice = [&](const operation& each, const plan& in) {
      optimized::launcher by = right.choice(each, in);
      if (each.name == name) by.launch = [](const optimized::call&, simt::queue&) {};
      return by;
    };
    const int status = status_of_kernels([&] {
      kernels(m, dtype::fp32, idle)->loss(of.tokens, of.targets, true);
      return int(tools::k_good);
    });
    EXPECT_EQ(status, tools::k_wrong) << name;
  }
}

TEST(engine, what_stops_kernels_has_a_status) {
  EXPECT_EQ(status_of_kernels([] { return 3; }), 3);
  EXPECT_EQ(status_of_kernels([]() -> int { throw simt::error("here", "stopped"); }),
            tools::k_crashed);
  EXPECT_EQ(status_of_kernels([]() -> int { throw device_absent("no GPU"); }),
            tools::k_device_absent);
}

}  // namespace
}  // namespace assay::gpt2
