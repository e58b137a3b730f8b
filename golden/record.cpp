#include "golden/record.hpp"

#include "golden/cases.hpp"
#include "properties/bad_input.hpp"
#include "properties/precise.hpp"
#include "properties/staged_call.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace assay::golden {

using namespace properties;

namespace {

constexpr std::array<std::pair<holding, std::string_view>, 5> k_holdings = {
    {{holding::input, "input"},
     {holding::rounded, "rounded"},
     {holding::near, "near"},
     {holding::within, "within"},
     {holding::error, "error"}}};

// The one value of `out` that everything within `error` of `value` rounds to. Zeros of either sign
// are one where an output's zeros have no sign to keep.
std::optional<double> settled(const reference::format& out, double value, double error,
                              bool zero_sign) {
  if (!std::isfinite(value) || error == 0) return reference::round(out, value);
  const auto certain = reference::round_if_certain(out, value, error);
  if (certain || zero_sign) return certain;
  const double low = reference::round(out, value - error),
               high = reference::round(out, value + error);
  return low == 0 && high == 0 ? std::optional(0.0) : std::nullopt;
}

struct rounded_output {
  std::vector<double> values;
  bool all_settled = true;
};

rounded_output rounded(const truth& exact, const reference::format& out, bool zero_sign) {
  rounded_output y{exact.rounded, true};
  if (!y.values.empty()) return y;
  for (std::size_t i = 0; i < exact.value.size(); ++i) {
    const element_truth t = exact.at(i);
    const auto one = settled(out, t.value, t.error, zero_sign);
    y.all_settled = y.all_settled && one.has_value();
    y.values.push_back(one ? *one : reference::round(out, t.value));
  }
  return y;
}

bool all_near(const truth& exact) {
  for (std::size_t i = 0; i < exact.value.size(); ++i)
    if (std::isfinite(exact.value[i]) && !(exact.at(i).error <= truth_error(exact.value[i])))
      return false;
  return true;
}

void add_output(recorded_case& into, const tensor_spec& spec, const truth& exact, bool zero_sign,
                bool many_digits) {
  const dtype type = into.id.type_of(spec.name);
  const std::vector<std::int64_t> shape = shape_of(spec, into.id);
  const rounded_output y = rounded(exact, format_of(type), zero_sign);
  into.tensors.push_back({spec.name, y.all_settled ? holding::rounded : holding::within, type,
                          shape, encoded(type, y.values)});
  const bool near = all_near(exact) && (many_digits || exact.error.empty() ||
                                        std::all_of(exact.error.begin(), exact.error.end(),
                                                    [](double e) { return !(e > 0); }));
  const tensor_bytes doubles = encoded(dtype::fp64, exact.value);
  if (near && doubles == encoded(dtype::fp64, y.values)) return;
  into.tensors.push_back(
      {spec.name + ".truth", near ? holding::near : holding::within, dtype::fp64, shape, doubles});
  if (!near)
    into.tensors.push_back({spec.name + ".error", holding::error, dtype::fp64, shape,
                            encoded(dtype::fp64, exact.error)});
}

recorded_case make_case(const contract& c, const case_id& id) {
  const case_inputs inputs = make_inputs(c, id);
  const bool many_digits = bool(c.precise.exact);
  const std::vector<truth> exact = many_digits ? c.precise.exact(inputs) : c.exact(inputs);
  const auto policies =
      c.policies ? c.policies() : std::vector<comparison_policy>(c.outputs.size());
  recorded_case made{id, {}};
  for (std::size_t t = 0; t < c.inputs.size(); ++t)
    made.tensors.push_back({c.inputs[t].name, holding::input, id.types[t].type,
                            shape_of(c.inputs[t], id),
                            encoded(id.types[t].type, inputs.values[t])});
  for (std::size_t k = 0; k < c.outputs.size(); ++k)
    add_output(made, c.outputs[k], exact[k], policies[k].zero_sign, many_digits);
  return made;
}

}  // namespace

std::string_view name_of(holding what) {
  for (const auto& [known, name] : k_holdings)
    if (known == what) return name;
  return "";
}

double truth_error(double value) {
  return std::isfinite(value) ? 0x1p-51 * std::abs(value) + k_vanished : 0;
}

std::vector<double> tensor::values() const { return decoded(type, bytes); }

const tensor* recorded_case::find(std::string_view name) const {
  for (const tensor& each : tensors)
    if (each.name == name) return &each;
  return nullptr;
}

truth recorded_case::truth_of(std::string_view output) const {
  const tensor* const y = find(output);
  const tensor* const exact = find(std::string(output) + ".truth");
  const tensor* const error = find(std::string(output) + ".error");
  truth known;
  known.value = (exact ? exact : y)->values();
  if (error)
    known.error = error->values();
  else
    for (double value : known.value) known.error.push_back(truth_error(value));
  if (y->what == holding::rounded) known.rounded = y->values();
  return known;
}

const recorded_case* record::find(const case_id& id) const {
  for (const recorded_case& each : cases)
    if (each.id == id) return &each;
  return nullptr;
}

record make_record(const std::string& component) {
  record made;
  made.component = component;
  for (const contract* c : contracts_of(component)) {
    made.provenance["reference " + c->function()] =
        c->precise.exact ? fmt::format("{}; {} digits or more", c->precise.tier, c->precise.digits)
                         : "double with the error it states; 15 digits";
    for (const case_id& id : cases_of(*c)) made.cases.push_back(make_case(*c, id));
  }
  // As a file gives them back.
  std::sort(made.cases.begin(), made.cases.end(),
            [](const auto& a, const auto& b) { return print(a.id) < print(b.id); });
  return made;
}

}  // namespace assay::golden
