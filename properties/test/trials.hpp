// One trial of the verdict layer: a model run as a stand-in for a kernel, its truth, its strict
// bound and its scatter, ready to be judged.
#pragma once

#include "properties/distribution.hpp"
#include "properties/scatter.hpp"
#include "properties/test/models.hpp"
#include "reference/exact.hpp"

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace assay::properties::models {

struct setting {
  distribution_id from;
  dtype input = dtype::fp32, output = dtype::fp32;
  std::int64_t n = 1, rows = 1;  // length of a reduction, and how many of them
  std::uint64_t seed = 0;
  faults wrong;
};

struct trial {
  std::vector<double> got;
  std::vector<bool> promised;  // false where a row's inputs are outside the model's domain
  truth expected;
  std::vector<double> limits, charged;  // charged: with every operation
  scatter_model scatter;
};

struct outcome {
  verdict strict;
  scatter_verdict scattered;
  bool caught() const { return !strict.passed() || !scattered.passed(); }
};

inline std::vector<double> draw_row(const setting& s, std::uint32_t tensor, std::int64_t row,
                                    std::int64_t n) {
  const distribution from(s.from);
  std::vector<double> x(std::size_t(n), 0.0);
  for (std::int64_t i = 0; i < n; ++i) {
    const auto index = std::uint64_t(row * n + i);
    x[std::size_t(i)] = from.element({s.seed, tensor, index, std::uint64_t(n * s.rows), s.input});
  }
  return x;
}

inline std::vector<double> perturbed_row(dtype type, std::vector<double> x, std::uint64_t replicate,
                                         std::uint32_t tensor, std::int64_t row) {
  element_stream stream(replicate + 1, 1000 + tensor, std::uint64_t(row));
  for (double& each : x) each = perturbed(type, each, stream);
  return x;
}

// The exact results of one reduction's outputs, with the error of computing them in double.
using exact_row = std::vector<element_truth>;

// Puts a trial together from how a row of outputs is computed in an arithmetic and exactly.
// compute(arithmetic, rows, faults) -> outputs; exact(rows) -> exact_row; promised(rows) -> bool;
// `rows` holds the inputs.
template <class Compute, class Exact, class Promised>
trial make_trial(const setting& s, const std::vector<std::int64_t>& lengths, const Compute& compute,
                 const Exact& exact, const Promised& promised) {
  const reference::format f32 = reference::k_fp32, out = format_of(s.output);
  using inputs = std::vector<std::vector<double>>;
  std::vector<inputs> all;
  trial t;
  for (std::int64_t row = 0; row < s.rows; ++row) {
    inputs x;
    for (std::size_t tensor = 0; tensor < lengths.size(); ++tensor)
      x.push_back(draw_row(s, std::uint32_t(tensor), row, lengths[tensor]));
    for (const auto& v : compute(concrete(f32), x, s.wrong))
      t.got.push_back(reference::round(out, concrete(f32).unrounded(v, out)));
    for (const auto& v : compute(running(f32), x, faults{}))
      t.limits.push_back(running(f32).bound(v, out));
    const bool inside = promised(x);
    for (const auto& v : compute(running(f32, charge::everything), x, faults{}))
      t.charged.push_back(inside ? running(f32).bound(v, out) : 0);
    for (const element_truth& each : exact(x)) {
      // What is infinite, or no number, must be met exactly.
      if (!std::isfinite(each.value)) t.limits[t.expected.value.size()] = 0;
      t.expected.value.push_back(each.value);
      t.expected.error.push_back(each.error);
      t.promised.push_back(inside);
    }
    all.push_back(std::move(x));
  }
  t.scatter.group = std::int64_t(t.got.size()) / s.rows;
  t.scatter.replicate = [all, compute, exact, f32, out, type = s.input](
                            std::uint64_t k, function_lean lean, std::span<double> errors) {
    std::size_t at = 0;
    for (std::size_t row = 0; row < all.size(); ++row) {
      inputs x = all[row];
      for (std::size_t tensor = 0; tensor < x.size(); ++tensor)
        x[tensor] = perturbed_row(type, x[tensor], k, std::uint32_t(tensor), std::int64_t(row));
      element_stream noise(k + 1, 2000, row);
      const concrete arithmetic(f32, errors_leaning(lean, noise));
      const auto outputs = compute(arithmetic, x, faults{});
      const exact_row truths = exact(x);
      for (std::size_t i = 0; i < outputs.size(); ++i)
        errors[at++] = arithmetic.unrounded(outputs[i], out) - truths[i].value;
    }
  };
  return t;
}

inline verdict judge_strictly(const setting& s, const trial& t) {
  const bound_of bound = [&](std::size_t i, const element_truth&) {
    return judged_bound{{t.limits[i], true}, t.promised[i]};
  };
  return compare(s.output, t.got, t.expected, bound, {.zero_sign = false});
}

inline outcome judge(const setting& s, const trial& t) {
  outcome result;
  result.strict = judge_strictly(s, t);
  if (distribution(s.from).info().scatters)
    result.scattered = judge_scatter(s.output, t.got, t.expected, t.charged, t.scatter);
  return result;
}

// ---- the five models as trials -----------------------------------------------------------------

constexpr double k_u = 0x1p-53;

// No partial result overflows in fp32: the largest finite magnitudes multiplied, as often as there
// are terms, stay below half of its largest number. (Infinities and NaNs may be there.)
inline bool stays_in_range(const std::vector<std::vector<double>>& tensors) {
  double most = double(tensors.front().size());
  for (const std::vector<double>& x : tensors) {
    double largest = 1;
    for (double each : x)
      if (std::isfinite(each)) largest = std::max(largest, std::abs(each));
    most *= largest;
  }
  return most <= reference::max_finite(reference::k_fp32) / 2;
}

inline bool all_finite(const std::vector<std::vector<double>>& tensors) {
  for (const std::vector<double>& x : tensors)
    for (double each : x)
      if (!std::isfinite(each)) return false;
  return true;
}

// A compensated sum of an infinity is no number; the plain one is right.
inline double sum_of(const std::vector<double>& x) {
  double plain = 0;
  for (double each : x) plain += each;
  return std::isfinite(plain) ? reference::sum2(x) : plain;
}

inline trial gelu_trial(setting s) {
  const auto compute = [](const auto& a, const auto& x, const faults& wrong) {
    return std::vector{gelu_naive(a, x[0][0], wrong)};
  };
  const auto exact = [](const auto& x) {
    const double t = x[0][0] == -reference::k_infinity
                         ? -0.0
                         : 0.5 * x[0][0] * std::erfc(-x[0][0] * 0x1.6a09e667f3bcdp-1);
    return exact_row{{t, 16 * k_u * (1 + x[0][0] * x[0][0]) * std::abs(t)}};
  };
  s.rows *= s.n, s.n = 1;
  return make_trial(s, {1}, compute, exact, [](const auto& x) { return !std::isinf(x[0][0]); });
}

inline trial sum_trial(const setting& s) {
  const auto compute = [](const auto& a, const auto& x, const faults& wrong) {
    return std::vector{lane_sum(a, x[0], wrong)};
  };
  const auto exact = [](const auto& x) {
    const double t = sum_of(x[0]), n = double(x[0].size());
    double magnitude = 0;
    for (double each : x[0]) magnitude += std::abs(each);
    return exact_row{{t, 2 * k_u * std::abs(t) + 2 * n * n * k_u * k_u * magnitude}};
  };
  trial t = make_trial(s, {s.n}, compute, exact, stays_in_range);
  t.scatter.calls_functions = false;
  return t;
}

inline exact_row exact_softmax(const std::vector<double>& x) {
  double most = -reference::k_infinity;
  for (double each : x) most = std::max(most, each);
  std::vector<double> e;
  for (double each : x) e.push_back(std::exp(each - most));
  const double total = sum_of(e);
  double spread = 0;  // the relative error of the sum is the mean of the terms'
  for (std::size_t i = 0; i < x.size(); ++i)
    if (e[i] != 0) spread += e[i] / total * (most - x[i] + 4) * k_u;
  exact_row row;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double p = e[i] / total;
    const double off = p == 0 ? 0 : p * ((most - x[i] + 8) * k_u + 2 * spread);
    row.push_back({p, off + 0x1p-1000});
  }
  return row;
}

inline trial softmax_trial(const setting& s) {
  const auto compute = [](const auto& a, const auto& x, const faults& wrong) {
    return softmax_row(a, x[0], wrong);
  };
  return make_trial(
      s, {s.n}, compute, [](const auto& x) { return exact_softmax(x[0]); }, stays_in_range);
}

inline trial dot_trial(const setting& s) {
  const auto compute = [](const auto& a, const auto& x, const faults& wrong) {
    return std::vector{tensor_core_dot(a, x[0], x[1], wrong)};
  };
  const auto exact = [](const auto& x) {
    const reference::approximation t = reference::dot2(x[0], x[1]);
    return exact_row{{t.value, t.error}};
  };
  trial t = make_trial(s, {s.n, s.n}, compute, exact,
                       [](const auto& x) { return all_finite(x) && stays_in_range(x); });
  t.scatter.rounds_last = s.output != dtype::fp32;
  t.scatter.calls_functions = false;
  return t;
}

inline constexpr std::int64_t k_width = 16;  // values a key carries in weighted_average

inline trial average_trial(const setting& s) {
  const auto compute = [](const auto& a, const auto& x, const faults& wrong) {
    return weighted_average(a, x[0], x[1], k_width, wrong);
  };
  const auto exact = [](const auto& x) {
    const exact_row p = exact_softmax(x[0]);
    exact_row row;
    for (std::int64_t c = 0; c < k_width; ++c) {
      double o = 0, error = 0;
      for (std::size_t j = 0; j < p.size(); ++j) {
        const double v = x[1][j * std::size_t(k_width) + std::size_t(c)];
        o += p[j].value * v;
        error += std::abs(v) * (p[j].error + p[j].value * double(p.size() + 2) * k_u);
      }
      row.push_back({o, error});
    }
    return row;
  };
  return make_trial(s, {s.n, s.n * k_width}, compute, exact,
                    [](const auto& x) { return all_finite(x) && stays_in_range(x); });
}

}  // namespace assay::properties::models
