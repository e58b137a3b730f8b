#include "properties/compare.hpp"

#include "properties/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace assay::properties {
namespace {

constexpr std::size_t k_kept_failures = 4096;

double ulps_between(const reference::format& f, double got, double truth) {
  if (std::isnan(got) && std::isnan(truth)) return 0;
  if (got == truth) return 0;
  if (std::isinf(got) && got == reference::round(f, truth)) return 0;  // an overflow that must be
  if (!std::isfinite(truth) || std::isnan(got)) return reference::k_infinity;
  return measured(f, got, {truth, 0}, false) / reference::ulp(f, truth);
}

class comparison {
 public:
  comparison(dtype type, const comparison_policy& policy)
      : format_(format_of(type)), policy_(policy) {}

  void add(std::size_t i, double got, const truth& expected, const bound_of& bound_at) {
    const element_truth t = expected.at(i);
    ++verdict_.elements;
    const judged_bound judged = bound_at(i, t);
    if (!judged.in_domain) return;
    const bool unbounded = !(judged.bound.limit < reference::k_infinity);
    verdict_.unbounded += unbounded;
    if (unbounded && !policy_.unbounded_fails) return;
    ++verdict_.judged;
    const double off = measured(format_, got, t, judged.bound.before_rounding);
    const bool good = within(off, judged.bound, t) && !unbounded &&
                      (!policy_.zero_sign || zero_has_sign_of(got, t.value));
    const double fraction = fraction_of(off, judged.bound);
    note(i, got, t, fraction, good);
    count_rounding(
        got, expected.rounded.empty() ? reference::round(format_, t.value) : expected.rounded[i],
        t);
  }

  verdict finish() {
    if (finite_ > 0) verdict_.bias_ulps /= double(finite_);
    if (verdict_.failed > 0)
      verdict_.reason =
          fmt::format("{} of {} elements out of bound", verdict_.failed, verdict_.elements);
    if (verdict_.unbounded > 0 && policy_.unbounded_fails)
      verdict_.reason += fmt::format(
          ", {} of them because they have none: the declared arithmetic may overflow on these "
          "inputs",
          verdict_.unbounded);
    return std::move(verdict_);
  }

 private:
  static bool zero_has_sign_of(double got, double truth) {
    return got != 0 || std::isnan(truth) || std::signbit(got) == std::signbit(truth);
  }

  void note(std::size_t i, double got, const element_truth& t, double fraction, bool good) {
    const double ulps = ulps_between(format_, got, t.value);
    if (ulps > verdict_.worst_ulps || verdict_.worst_ulps_index < 0)
      verdict_.worst_ulps = ulps, verdict_.worst_ulps_index = std::int64_t(i);
    const bool first_failure = !good && verdict_.failed == 0;
    const bool worse = fraction > verdict_.worst.fraction && (good ? verdict_.failed == 0 : true);
    if (first_failure || worse || verdict_.worst.index < 0)
      verdict_.worst = {std::int64_t(i), got, t.value, fraction, ulps};
    verdict_.worst_fraction = std::max(verdict_.worst_fraction, fraction);
    if (good) return;
    ++verdict_.failed;
    if (verdict_.failed_at.size() < k_kept_failures) verdict_.failed_at.push_back(std::int64_t(i));
  }

  void count_rounding(double got, double rounded, const element_truth& t) {
    verdict_.misrounded += !reference::same(got, rounded);
    if (!std::isfinite(got) || !std::isfinite(t.value)) return;
    verdict_.bias_ulps += (got - t.value) / reference::ulp(format_, t.value);
    ++finite_;
  }

  reference::format format_;
  comparison_policy policy_;
  verdict verdict_;
  std::int64_t finite_ = 0;
};

}  // namespace

verdict compare(dtype type, std::span<const double> got, const truth& expected,
                const bound_of& bound, const comparison_policy& policy) {
  if (got.size() != expected.value.size())
    throw std::invalid_argument(
        fmt::format("{} elements against a truth of {}", got.size(), expected.value.size()));
  comparison all(type, policy);
  for (std::size_t i = 0; i < got.size(); ++i) all.add(i, got[i], expected, bound);
  return all.finish();
}

}  // namespace assay::properties
