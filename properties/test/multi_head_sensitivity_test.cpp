// What errors of queries, keys and values bring to the outputs of multi-head attention, and what a
// bound took for them: neither may be too little for the first, nor too much for the second.

#include "properties/multi_head_model.hpp"
#include "properties/philox.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace assay::properties {
namespace {

using values = std::vector<running::value>;

// One batch's queries, keys and values with errors of up to `off`, relative, and W_out.
struct packed_problem {
  multi_head_shape shape{1, 7, 12, 3};
  values qkv;
  std::vector<double> w_out, b_out;
  bool causal = false;

  packed_problem(std::uint64_t seed, double spread, double off) {
    causal = seed % 2 == 1;
    element_stream random(seed, 0, 0);
    const auto drawn = [&](double most) { return most * (2 * random.uniform() - 1); };
    for (std::int64_t i = 0; i < 3 * shape.elements(); ++i) {
      const double x = drawn(spread), error = off * spread * random.uniform();
      qkv.push_back({x, error, error});
    }
    for (std::int64_t i = 0; i < 144; ++i) w_out.push_back(drawn(1));
    b_out.assign(12, 0);
  }
  reference::linear_map<double> out() const { return {w_out, b_out}; }
  running::value& value(std::int64_t token, std::int64_t channel) {
    return qkv[std::size_t(token * 36 + 24 + channel)];
  }
  values without_errors() const {
    values exact = qkv;
    for (running::value& each : exact) each.before = each.after = 0;
    return exact;
  }
};

// The function itself, of numbers.
std::vector<double> outputs_of(const packed_problem& p, const std::vector<double>& qkv) {
  std::vector<double> joined(std::size_t(p.shape.elements()));
  for (std::int64_t h = 0; h < 3; ++h) {
    const auto part = [&](reference::packed_part which) {
      return reference::packed_head(std::span<const double>(qkv), 12, 3, h, which);
    };
    for (std::int64_t i = 0; i < 7; ++i) {
      const std::int64_t seen = reference::tokens_seen(p.causal, i, 7);
      const auto o = reference::attend(part(reference::packed_part::queries).row(i),
                                       part(reference::packed_part::keys).rows(0, seen),
                                       part(reference::packed_part::values).rows(0, seen), 0.5)
                         .o;
      std::copy(o.begin(), o.end(), joined.begin() + i * 12 + h * 4);
    }
  }
  return reference::linear(std::span<const double>(joined), p.out());
}

// Errors of any size up to those stated, in any direction; half of the time as large as they may
// be. The largest seen comes close to what is stated, which is so not much too large either.
TEST(multi_head_sensitivity, states_what_errors_can_bring_and_not_much_more) {
  double closest = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const packed_problem p(seed, seed < 20 ? 1 : 2, std::ldexp(1.0, -int(seed % 10) - 3));
    const auto all = error_exchanges(p.qkv, p.shape, p.causal, attention_algorithm::naive, p.out());
    std::vector<double> exact;
    for (const running::value& each : p.qkv) exact.push_back(each.center);
    const std::vector<double> y = outputs_of(p, exact);
    element_stream random(seed, 1, 0);
    for (int trial = 0; trial < 50; ++trial) {
      std::vector<double> moved = exact;
      for (std::size_t i = 0; i < moved.size(); ++i) {
        const double by = 2 * random.uniform() - 1;
        moved[i] += p.qkv[i].after * (trial % 2 ? by : std::copysign(1.0, by));
      }
      const std::vector<double> other = outputs_of(p, moved);
      for (std::size_t i = 0; i < y.size(); ++i) {
        const double by = std::abs(other[i] - y[i]);
        ASSERT_LE(by, all[i].brought * (1 + 1e-9)) << seed;
        closest = std::max(closest, by / all[i].brought);
      }
    }
  }
  EXPECT_GT(closest, 0.5);
}

// A score's error of the worst sign for every key: what is stated is reached but for the size of
// products of errors.
TEST(multi_head_sensitivity, is_what_scores_that_are_off_in_the_worst_direction_bring) {
  packed_problem p(4, 1, 0);
  p.shape = {1, 2, 1, 1};
  p.qkv = {{1, 0, 0}, {0.5, 0.01, 0.01}, {3, 0, 0}, {1, 0, 0}, {-0.5, 0.01, 0.01}, {-1, 0, 0}};
  p.w_out = {2}, p.b_out = {0};
  const auto of = [](double first, double second) {
    const double a = std::exp(first), b = std::exp(second);
    return 2 * (3 * a - b) / (a + b);
  };
  const auto all = error_exchanges(p.qkv, p.shape, false, attention_algorithm::mma, p.out());
  const double worst = of(0.51, -0.51) - of(0.5, -0.5), other = of(0.5, -0.5) - of(0.49, -0.49);
  EXPECT_GE(all[0].brought, std::max(worst, other));
  EXPECT_LE(all[0].brought, 1.03 * std::max(worst, other));
}

// Values that are one in every token bring nothing, whatever is off about scores: all that is left
// of a bound is what roundings add, those of what may be held, which are larger than those of what
// is exact. A bound from which more was taken than errors had brought into it would have less.
TEST(multi_head_sensitivity, leaves_every_rounding_in_the_bound) {
  for (const attention_algorithm kind :
       {attention_algorithm::naive, attention_algorithm::simple, attention_algorithm::mma})
    for (std::uint64_t seed = 0; seed < 24; ++seed) {
      packed_problem p(seed, seed < 12 ? 1 : 3, std::ldexp(1.0, -int(seed % 12) - 6));
      for (std::int64_t token = 0; token < 7; ++token)
        for (std::int64_t channel = 0; channel < 12; ++channel) {
          p.value(token, channel) = p.value(0, channel);
          p.value(token, channel).before = p.value(token, channel).after = 0;
        }
      const running a(reference::k_fp32, charge::everything);
      const dtype type = seed % 3 == 0 ? dtype::bf16 : dtype::fp32;
      const multi_head_arithmetic<running> rounds(a, kind, p.shape, p.causal, type);
      const values followed = rounds.from_packed(p.qkv, p.out()),
                   exact = rounds.from_packed(p.without_errors(), p.out());
      const auto all = error_exchanges(p.qkv, p.shape, p.causal, kind, p.out());
      for (std::size_t i = 0; i < followed.size(); ++i) {
        ASSERT_LE(all[i].brought, 1e-12);
        EXPECT_GE(all[i].of(followed[i].after), exact[i].after * (1 - 1e-9));
        EXPECT_LE(all[i].of(followed[i].after), exact[i].after * 4);
      }
    }
}

}  // namespace
}  // namespace assay::properties
