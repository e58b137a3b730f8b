#include "properties/scatter.hpp"

#include "properties/scatter_expectation.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace assay::properties {
namespace {

// Replicates are drawn until each kind holds this many independent groups.
constexpr double k_degrees_of_freedom = 128;
const double k_x = std::log(1 / k_false_alarm);

struct judged_element {
  double weight, limit, truth, got;
  std::size_t index;
  double sign() const { return truth < 0 ? -1 : 1; }
};

std::vector<judged_element> judged_elements(const reference::format& f, std::span<const double> got,
                                            const truth& expected, std::span<const double> limits) {
  std::vector<judged_element> all;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double t = expected.value[i];
    if (limits[i] > 0 && std::isfinite(limits[i]) && std::isfinite(t) && std::isfinite(got[i]))
      all.push_back({limits[i] + reference::half_ulp(f, t), limits[i], t, got[i], i});
  }
  return all;
}

struct share_sums {
  std::array<double, 3> sum{}, squares{}, count{};  // by kind of lean; what was not drawn counts 0

  error_shares estimate(double group) const {
    error_shares all;
    const double freedom = count[0] / group;
    for (std::size_t kind = 0; kind < 3; ++kind) {
      if (count[kind] == 0) {
        all.lean[kind] = all.lean[0];
        continue;
      }
      const double mean = sum[kind] / count[kind];
      const double variance = std::max(0.0, squares[kind] / count[kind] - mean * mean);
      all.lean[kind] = mean;
      all.deviation =
          std::max(all.deviation, std::sqrt(variance / (1 - 2 * std::sqrt(k_x / freedom))));
    }
    all.lean_error = all.deviation * std::sqrt(2 * k_x / freedom);
    return all;
  }
};

// Elements whose bounds are alike in ULPs err alike: shares are estimated class by class, and a
// class too small for that takes those of all elements.
class share_estimates {
 public:
  share_estimates(const reference::format& f, const std::vector<judged_element>& elements,
                  std::size_t outputs, const scatter_model& model)
      : format_(f) {
    const double groups = std::max(1.0, double(outputs) / double(model.group));
    const auto replicates = std::int64_t(std::max(2.0, std::ceil(k_degrees_of_freedom / groups)));
    std::vector<share_sums> classes(k_classes);
    share_sums all;
    std::vector<double> errors(outputs);
    const std::size_t kinds = model.calls_functions ? 3 : 1;
    for (std::size_t kind = 0; kind < kinds; ++kind)
      for (std::int64_t k = 0; k < replicates; ++k) {
        model.replicate(std::uint64_t(k), function_lean(kind), errors);
        for (const judged_element& e : elements) {
          const double share = e.sign() * errors[e.index] / e.limit;
          if (std::isnan(share)) continue;  // a replicate that left the domain
          for (share_sums* each : {&classes[class_of(e)], &all})
            each->sum[kind] += share, each->squares[kind] += share * share, ++each->count[kind];
        }
      }
    enough_ = all.count[0] >= double(elements.size());
    // Where few elements are judged, their groups are taken as full ones: fewer degrees of freedom.
    const auto group = std::min(double(model.group), all.count[0] / k_degrees_of_freedom);
    for (const share_sums& each : classes) {
      const bool enough = each.count[0] >= k_degrees_of_freedom * double(model.group);
      by_class_.push_back(enough ? each.estimate(double(model.group)) : all.estimate(group));
    }
  }

  // Did the replicates give as many errors as there are to judge?
  bool enough() const { return enough_; }
  const error_shares& of(const judged_element& e) const { return by_class_[class_of(e)]; }

 private:
  static constexpr std::size_t k_classes = 64;

  std::size_t class_of(const judged_element& e) const {
    return std::size_t(
        std::clamp(reference::exponent(e.limit / reference::ulp(format_, e.truth)) + 40, 0, 63));
  }

  reference::format format_;
  bool enough_ = false;
  std::vector<error_shares> by_class_;
};

// What elements that may share their errors add together: expected energy, and standard deviation
// of their signed sum if they all move as one.
struct shared_sums {
  double energy = 0, deviation = 0;
  std::int64_t count = 0;

  void add(const expectation& of, double weight) {
    energy += of.square / (weight * weight);
    deviation += std::sqrt(of.variance) / weight;
    ++count;
  }
};

// The terms of the two tail bounds, from sets of elements that share errors within each set.
struct tail_terms {
  double squares = 0, most = 0, deviation_squares = 0;

  void add(const shared_sums& set) {
    squares += set.energy * set.energy;
    most = std::max(most, set.energy);
    deviation_squares += set.deviation * set.deviation;
  }
};

class scatter_test {
 public:
  scatter_test(const reference::format& f, const scatter_model& model,
               const share_estimates& estimates)
      : format_(f), model_(model), estimates_(estimates) {}

  void add(const judged_element& e) {
    const error_shares& spread = estimates_.of(e);
    const expectation of = expected_of(format_, e.truth, e.limit, spread, model_.rounds_last);
    const double error = (e.got - e.truth) * e.sign();
    energy_ += error * error / (e.weight * e.weight);
    expected_energy_ += of.square / (e.weight * e.weight);
    above_ += (error - of.mean_high) / e.weight;
    below_ += (error - of.mean_low) / e.weight;
    lean_room_ += spread.lean_error * e.limit / e.weight;
    const std::int64_t group = std::int64_t(e.index) / model_.group;
    if (group != group_) {
      terms_.add(set_);
      set_ = {};
      group_ = group;
    }
    set_.add(of, e.weight);
    by_truth_.push_back({e.truth, of, e.weight});
  }

  scatter_verdict finish() {
    terms_.add(set_);
    add_equal_truths();
    const double x = k_x + std::log(2);  // two sides
    scatter_verdict v;
    v.judged = true;
    v.energy = energy_;
    // The last term is Bernstein's, for errors that come seldom and large.
    v.energy_limit = expected_energy_ + 2 * std::sqrt(terms_.squares * k_x) +
                     2 * terms_.most * k_x + 2 * k_x / 3;
    v.bias = above_ > 0 ? above_ : below_ < 0 ? below_ : 0;
    v.bias_limit = std::sqrt(2 * x * terms_.deviation_squares) + 2 * x / 3 + lean_room_;
    return v;
  }

 private:
  struct valued {
    double truth;
    expectation of;
    double weight;
  };

  // Equal results come from equal operands and share their errors, wherever they stand.
  void add_equal_truths() {
    std::sort(by_truth_.begin(), by_truth_.end(),
              [](const valued& a, const valued& b) { return a.truth < b.truth; });
    for (std::size_t i = 0; i < by_truth_.size();) {
      shared_sums equal;
      const double truth = by_truth_[i].truth;
      for (; i < by_truth_.size() && by_truth_[i].truth == truth; ++i)
        equal.add(by_truth_[i].of, by_truth_[i].weight);
      if (equal.count > 1) terms_.add(equal);
    }
  }

  reference::format format_;
  const scatter_model& model_;
  const share_estimates& estimates_;
  double energy_ = 0, expected_energy_ = 0, above_ = 0, below_ = 0, lean_room_ = 0;
  std::int64_t group_ = 0;
  shared_sums set_;
  tail_terms terms_;
  std::vector<valued> by_truth_;
};

}  // namespace

std::string scatter_verdict::reason() const {
  if (passed()) return "";
  const bool wide = !(energy <= energy_limit);
  return fmt::format(
      "errors {}: {} {:.3g}, and beyond {:.3g} once in {:.0e} runs of a correct kernel",
      wide ? "scatter too widely" : "lean to one side", wide ? "energy" : "bias",
      wide ? energy : bias, wide ? energy_limit : bias_limit, 1 / k_false_alarm);
}

scatter_verdict judge_scatter(dtype type, std::span<const double> got, const truth& expected,
                              std::span<const double> limits, const scatter_model& model) {
  const reference::format f = format_of(type);
  const std::vector<judged_element> elements = judged_elements(f, got, expected, limits);
  if (elements.empty()) return {};
  const share_estimates estimates(f, elements, got.size(), model);
  if (!estimates.enough()) return {};
  scatter_test test(f, model, estimates);
  for (const judged_element& e : elements) test.add(e);
  return test.finish();
}

double perturbed(dtype type, double x, element_stream& stream) {
  return round_to(type, x * (1 + 0x1p-39 * (double(stream.word()) - 0x1p31)));
}

}  // namespace assay::properties
