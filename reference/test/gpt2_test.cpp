// GPT-2 of the reference: its gradients are what differences tend to, its double path is as good as
// double is, and the ladder has the parts that it should.

#include "reference/gpt2_gradient.hpp"
#include "reference/mpfr_real.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::reference {
namespace {

gpt2_config tiny() {
  gpt2_config c;
  c.vocabulary = 11, c.context = 6, c.channels = 8, c.layers = 2, c.heads = 2, c.hidden = 12;
  return c;
}

// Numbers of few bits, the same in every tier.
template <real R>
named_tensors<R> weights_of(const gpt2_config& config) {
  named_tensors<R> all;
  std::uint32_t state = 1;
  for (const gpt2_parameter& each : parameters_of(config)) {
    std::vector<R> values;
    for (std::int64_t i = 0; i < each.extents.count(); ++i) {
      state = state * 1664525u + 1013904223u;
      values.push_back(R(double(std::int32_t(state >> 16) - 32768) * 0x1p-16));
    }
    all.emplace(each.name, tensor<R>(each.extents, std::move(values)));
  }
  return all;
}

const token_batch k_tokens{{3, 1, 4, 1, 5, 9, 2, 6, 5, 3}, 5};
const std::vector<std::int64_t> k_targets = {1, 4, 1, 5, 9, 2, -1, 5, 3, 10};

template <real R>
token_loss<R> loss_with(const gpt2_config& config, const named_tensors<R>& weights) {
  const named_tensors<R> values = gpt2<R>(config, weights).forward(k_tokens);
  return loss_of(values.at("logits").elements(), std::span<const std::int64_t>(k_targets));
}

template <real R>
named_tensors<R> gradients_with(const gpt2_config& config, const named_tensors<R>& weights,
                                const typename gpt2<R>::observer& seen = {}) {
  const gpt2<R> model(config, weights);
  const named_tensors<R> values = model.forward(k_tokens, seen);
  return gpt2_gradient<R>(model, k_tokens, values)
      .from(loss_of<R>(values.at("logits").elements(), k_targets).gradient, seen);
}

// Central differences are off by h^2 times a third derivative: h / 16 leaves a 256th of that, if
// what they are held against is the derivative, and all of it if it is not. In 200 bits, of which a
// loss of below 2^12 operations loses 12, and the quotient by 2 h = 2^-23 as many as that again.
// (A bias of keys changes nothing at all: there is nothing but rounding.)
constexpr double k_rounding = 0x1p-165;
void expect_gradients_of_differences(const gpt2_config& config) {
  using R = mpfr_real<200>;
  named_tensors<R> weights = weights_of<R>(config);
  const named_tensors<R> gradients = gradients_with(config, weights);
  for (const gpt2_parameter& each : parameters_of(config)) {
    tensor<R>& w = weights.at(each.name);
    const std::span<const R> gradient = gradients.at(each.name).elements();
    for (const std::int64_t i : {std::int64_t(0), w.extents().count() / 2 + 1}) {
      R& x = w.elements()[std::size_t(i)];
      const R before = x;
      const auto distance = [&](double h) {
        x = before + R(h);
        const R above = loss_with(config, weights).mean;
        x = before - R(h);
        const R below = loss_with(config, weights).mean;
        x = before;
        return static_cast<double>(R((above - below) / R(2 * h) - gradient[std::size_t(i)]));
      };
      const double coarse = distance(0x1p-20), fine = distance(0x1p-24);
      EXPECT_LE(std::abs(fine), std::abs(coarse) / 200 + k_rounding) << each.name << " " << i;
    }
  }
}

TEST(gpt2, gradients_are_what_differences_tend_to) { expect_gradients_of_differences(tiny()); }

TEST(gpt2, so_are_those_of_its_variants) {
  gpt2_config untied = tiny();
  untied.tied = false;
  untied.activation = gpt2_activation::gelu_erf;
  expect_gradients_of_differences(untied);
  for (int step = 1; step < 5; ++step) {
    SCOPED_TRACE(step);
    expect_gradients_of_differences(gpt2_config::ladder(step, tiny()));
  }
}

// Rounded to 45 bits wherever it is stored, double is 2^8 times as coarse.
TEST(gpt2, double_is_better_than_fewer_bits) {
  using R = mpfr_real<200>;
  const auto exact = gradients_with(tiny(), weights_of<R>(tiny()));
  const named_tensors<double> weights = weights_of<double>(tiny());
  const auto held = gradients_with(tiny(), weights);
  const auto coarse =
      gradients_with<double>(tiny(), weights, [](std::string_view, tensor<double>& value) {
        for (double& each : value.elements()) {
          int exponent = 0;
          each = std::ldexp(std::nearbyint(std::ldexp(std::frexp(each, &exponent), 45)), -45);
          each = std::ldexp(each, exponent);
        }
      });
  for (const auto& [name, truth] : exact) {
    double off = 0, coarser = 0;
    for (std::size_t i = 0; i < truth.elements().size(); ++i) {
      const R t = truth.elements()[i];
      const auto distance = [&](const named_tensors<double>& of) {
        return std::abs(static_cast<double>(R(R(of.at(name).elements()[i]) - t)));
      };
      off = std::max(off, distance(held));
      coarser = std::max(coarser, distance(coarse));
    }
    EXPECT_LE(off, coarser) << name;
  }
}

TEST(gpt2, the_ladder_adds_a_part_a_step) {
  gpt2_config sizes = tiny();
  std::vector<std::size_t> counts;
  for (int step = 1; step <= 5; ++step) {
    const gpt2_config c = gpt2_config::ladder(step, sizes);
    counts.push_back(parameters_of(c).size());
    const named_tensors<double> weights = weights_of<double>(c);
    EXPECT_EQ(gpt2<double>(c, weights).forward(k_tokens).at("logits").extents(), (shape{2, 5, 11}));
  }
  // wte and the head; + qkv and projection; the same; two blocks with two layers more each; all but
  // the head, positions and five norms.
  EXPECT_EQ(counts, (std::vector<std::size_t>{2, 6, 6, 18, 28}));
}

std::int64_t parameters_in(const gpt2_config& c) {
  std::int64_t all = 0;
  for (const gpt2_parameter& each : parameters_of(c)) all += each.extents.count();
  return all;
}

TEST(gpt2, parameters_are_those_of_the_published_one) {
  gpt2_config c;
  EXPECT_EQ(parameters_in(c), 124'439'808);
  c.tied = false;
  EXPECT_EQ(parameters_in(c), 163'037'184);
}

TEST(gpt2, what_cannot_be_is_refused) {
  gpt2_config c = tiny();
  named_tensors<double> weights = weights_of<double>(c);
  const gpt2<double> model(c, weights);
  const auto message = [](const auto& act) -> std::string {
    try {
      act();
    } catch (const shape_error& error) {
      return error.what();
    }
    return "nothing";
  };
  EXPECT_EQ(message([&] { model.forward({{1, 11}, 2}); }), "token 11, expected 0 to 10");
  EXPECT_EQ(message([&] {
              model.forward({std::vector<std::int64_t>(7, 1), 7});
            }),
            "a sequence of 7 tokens, expected 6 at most");
  c.heads = 3;
  EXPECT_EQ(message([&] { c.check(); }),
            "8 channels for 3 heads, expected channels that the heads divide evenly");
  weights.erase("h.1.ln_2.bias");
  EXPECT_EQ(message([&] { gpt2<double>(tiny(), weights); }),
            "there is no h.1.ln_2.bias, expected one of shape [8]");
}

// Of ids alone; a later token reaches no earlier logits.
TEST(gpt2, the_past_knows_nothing_of_the_future) {
  const gpt2_config c = tiny();
  const named_tensors<double> weights = weights_of<double>(c);
  const gpt2<double> model(c, weights);
  token_batch other = k_tokens;
  other.ids[4] = 7;
  const auto here = model.forward(k_tokens), there = model.forward(other);
  const std::span<const double> a = here.at("logits").elements(), b = there.at("logits").elements();
  EXPECT_TRUE(std::equal(a.begin(), a.begin() + 4 * 11, b.begin()));
  EXPECT_FALSE(std::equal(a.begin() + 4 * 11, a.begin() + 5 * 11, b.begin() + 4 * 11));
  EXPECT_TRUE(std::equal(a.begin() + 5 * 11, a.end(), b.begin() + 5 * 11));
}

}  // namespace
}  // namespace assay::reference
