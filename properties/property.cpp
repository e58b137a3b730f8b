#include "properties/property.hpp"

#include "properties/values.hpp"
#include "reference/round.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace assay::properties {
namespace {

// Before its last rounding a result lies within limit + error of the truth; the rounding moves it
// by half an ULP, at most.
double reach_of(reference::format out, element_truth truth, double limit) {
  const double farthest = std::abs(truth.value) + limit + truth.error;
  if (!std::isfinite(reference::round(out, farthest))) return reference::k_infinity;
  return limit + truth.error + reference::half_ulp(out, farthest);
}

}  // namespace

subject::subject(run_id id, const run_settings& settings, result_source from)
    : id_(std::move(id)),
      settings_(settings),
      from_(std::move(from)),
      contract_(&contract_of(id_.of)) {
  validate(*contract_, id_.of);
  by_ = contract_->find(id_.implementation);
  if (!by_) throw simt::error(contract_->function(), "no implementation", id_.implementation);
  inputs_ = make_inputs(*contract_, id_.of);
}

dtype subject::output_type(std::size_t output) const {
  return id_.of.types[contract_->inputs.size() + output].type;
}

std::vector<bounded_output> subject::outputs(const case_inputs& inputs) const {
  run_id id = id_;
  id.of = inputs.id;
  const prepared_case prepared{contract_, inputs, contract_->exact(inputs)};
  const std::vector<std::vector<double>> got = from_(id, inputs, settings_),
                                         limits = strict_limits(prepared, *by_);
  std::vector<bounded_output> all;
  for (std::size_t k = 0; k < got.size(); ++k) {
    const reference::format out = format_of(output_type(k));
    bounded_output each{got[k], {}};
    const std::vector<bool> promised = promised_elements(prepared, *by_, k);
    for (std::size_t i = 0; i < promised.size(); ++i)
      each.reach.push_back(promised[i] ? reach_of(out, prepared.exact[k].at(i), limits[k][i])
                                       : reference::k_infinity);
    all.push_back(std::move(each));
  }
  return all;
}

case_inputs subject::with_elements(const std::vector<std::size_t>& which) const {
  case_inputs some = inputs_;
  some.id.shape.front().value = std::int64_t(which.size());
  for (std::size_t t = 0; t < some.values.size(); ++t) {
    some.values[t].clear();
    for (std::size_t i : which) some.values[t].push_back(inputs_.values[t][i]);
  }
  return some;
}

case_inputs subject::with_values(std::size_t t, const std::function<double(double)>& change) const {
  case_inputs other = inputs_;
  for (double& x : other.values[t]) x = change(x);
  return other;
}

subject subject::with_implementation(const std::string& name) const {
  subject other = *this;
  other.id_.implementation = name;
  other.by_ = other.contract_->find(name);
  if (!other.by_) throw simt::error(other.contract_->function(), "no implementation", name);
  return other;
}

subject subject::with_function(case_inputs inputs) const {
  subject other = *this;
  other.id_.of = inputs.id;
  other.inputs_ = std::move(inputs);
  other.contract_ = &contract_of(other.id_.of);
  return other.with_implementation(id_.implementation);
}

subject subject::as(const std::string& variant, const std::string& implementation) const {
  subject other = *this;
  other.id_.of.variant = other.inputs_.id.variant = variant;
  other.contract_ = &contract_of(other.id_.of);
  for (case_id* id : {&other.id_.of, &other.inputs_.id})
    std::erase_if(id->shape, [&](const field& each) {
      return std::any_of(contract_->parameters.begin(), contract_->parameters.end(),
                         [&](const parameter_spec& p) { return p.name == each.key; });
    });
  other.inputs_.parameters.clear();
  return other.with_implementation(implementation);
}

std::string differ(const std::vector<double>& left, const std::vector<double>& right,
                   const std::vector<double>& allowed) {
  if (left.size() != right.size() || left.size() != allowed.size())
    throw std::invalid_argument(fmt::format("{} results against {}, and {} bounds", left.size(),
                                            right.size(), allowed.size()));
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (allowed[i] == reference::k_infinity) continue;
    if (!(std::abs(left[i] - right[i]) <= allowed[i]))
      return fmt::format("at {}: {:a} against {:a}, {:.3g} apart where {:.3g} may be", i, left[i],
                         right[i], std::abs(left[i] - right[i]), allowed[i]);
  }
  return {};
}

std::string same_bits(const std::vector<double>& left, const std::vector<double>& right) {
  for (std::size_t i = 0; i < left.size(); ++i)
    if (!reference::same(left[i], right[i]))
      return fmt::format("element {}: {:a} is now {:a}", i, left[i], right[i]);
  return {};
}

std::vector<double> reversed(const std::vector<double>& all, std::size_t pieces) {
  std::vector<double> turned(all.size());
  const std::size_t size = pieces == 0 ? 0 : all.size() / pieces;
  for (std::size_t p = 0; p < pieces; ++p)
    std::copy_n(all.begin() + std::ptrdiff_t(p * size), size,
                turned.begin() + std::ptrdiff_t((pieces - 1 - p) * size));
  return turned;
}

std::string no_number(const bounded_output& y, std::size_t i) {
  if (std::isfinite(y.got[i]) || y.reach[i] == reference::k_infinity) return {};
  return fmt::format("element {} is {}", i, y.got[i]);
}

std::string unlike(const std::vector<bounded_output>& here,
                   const std::vector<bounded_output>& there) {
  for (std::size_t k = 0; k < here.size(); ++k) {
    for (std::size_t i = 0; i < here[k].got.size(); ++i)
      if (std::string what = no_number(here[k], i); !what.empty()) return what;
    if (std::string what = same_bits(here[k].got, there[k].got); !what.empty()) return what;
  }
  return {};
}

std::string differ_in_reach(const std::vector<bounded_output>& here,
                            const std::vector<bounded_output>& there) {
  for (std::size_t k = 0; k < here.size(); ++k) {
    std::vector<double> allowed;
    for (std::size_t i = 0; i < here[k].reach.size(); ++i)
      allowed.push_back(here[k].reach[i] + there[k].reach[i]);
    if (std::string what = differ(here[k].got, there[k].got, allowed); !what.empty()) return what;
  }
  return {};
}

}  // namespace assay::properties
