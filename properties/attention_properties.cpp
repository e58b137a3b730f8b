#include "properties/attention_properties.hpp"

#include "properties/attention_row_properties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr double k_inf = reference::k_infinity;

// The largest score, and that plus the logarithm of how many there are.
std::string broken_logarithm(const subject& s) {
  const double scale = scale_of(s.inputs()).value;
  const attention_shape shape = attention_shape::of(s.inputs().id);
  const bounded_output all = s.outputs()[1];
  return of_rows(s.inputs(), [&](const seen_row& row, std::int64_t) {
    const auto at = std::size_t(shape.lse_at(row.at));
    const double lse = all.got[at], reach = all.reach[at];
    if (reach == k_inf) return std::string();
    if (row.keys.count == 0) return lse == -k_inf ? std::string() : fmt::format("lse = {:a}", lse);
    double most = -k_inf, off = 0;
    for (std::int64_t j = 0; j < row.keys.count; ++j) {
      const reference::approximation dot = reference::dot2(row.q, row.keys.row(j));
      most = std::max(most, dot.value * scale);
      off = std::max(off, dot.error * scale + 4 * 0x1p-53 * std::abs(dot.value * scale));
    }
    const double log_n = std::log(double(row.keys.count)) * (1 + 0x1p-47);
    if (most - off - reach <= lse && lse <= most + off + log_n + reach) return std::string();
    return fmt::format("lse = {:a} with a largest score of {:a}", lse, most);
  });
}

std::string broken_by_implementation(const subject& s) {
  return differ_in_reach(s.outputs(), s.with_implementation("naive").outputs());
}

// Eighths up to 4 in magnitude: in every format those, and they plus 1, are exact.
double coarse(double x) {
  return std::isfinite(x) ? std::round(std::clamp(x, -4.0, 4.0) * 8) / 8 : 0;
}
std::string broken_shift(const subject& s) {
  const case_inputs keys = s.with_values(k_keys, coarse);
  const case_inputs moved = s.with_values(k_keys, [](double x) { return coarse(x) + 1; });
  return differ_in_reach({s.outputs(keys)[0]}, {s.outputs(moved)[0]});
}

// The same inputs, given to another variant, whose rows then see the same: without lengths, with
// the ends of a window or without.
std::string unlike_variant(const subject& s, const case_inputs& here, const std::string& variant,
                           const fields& window) {
  case_inputs there = here;
  there.id.variant = variant;
  if (there.values.size() > k_lengths) {
    there.values.resize(k_lengths);
    there.id.types.erase(there.id.types.begin() + k_lengths);
  }
  there.parameters.resize(1);
  std::erase_if(there.id.shape, [](const field& f) { return f.key == "left" || f.key == "right"; });
  for (const field& each : window) {
    there.id.shape.push_back(each);
    there.parameters.push_back(each.value.as_double());
  }
  return unlike(s.outputs(here), s.with_function(there).outputs());
}

constexpr double k_endless = 0x1p24;
case_inputs with_window(const subject& s, double left, double right) {
  case_inputs wide = s.inputs();
  wide.parameters[1] = left, wide.parameters[2] = right;
  for (field& each : wide.id.shape) {
    if (each.key == "left") each.value = left;
    if (each.key == "right") each.value = right;
  }
  return wide;
}

std::string broken_wide_window(const subject& s) {
  return unlike_variant(s, with_window(s, k_endless, 0), "causal", {});
}
std::string broken_widest_window(const subject& s) {
  return unlike_variant(s, with_window(s, k_endless, k_endless), "dense", {});
}
std::string broken_causal_window(const subject& s) {
  return unlike_variant(s, s.inputs(), "window", {{"left", k_endless}, {"right", 0.0}});
}
std::string broken_dense_window(const subject& s) {
  return unlike_variant(s, s.inputs(), "window", {{"left", k_endless}, {"right", k_endless}});
}
std::string broken_full_lengths(const subject& s) {
  case_inputs full = s.inputs();
  const auto keys = double(full.id.dimension("k"));
  std::size_t i = 0;
  for (double& length : full.values[k_lengths]) length = i++ % 2 == 0 ? keys : 0x1p31 - 1;
  return unlike_variant(s, full, "dense", {});
}

}  // namespace

void add_attention_properties(contract& c, const attention_variant& of) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  add("each output lies between the least and the largest value of its column", broken_average);
  add("equal values return themselves", broken_constant);
  add("the log-sum-exp lies between the largest score and log n above it", broken_logarithm);
  add("what a row does not see changes no bit of it", broken_blindness);
  add("flash attention is naive attention", broken_by_implementation);
  add("a vector added to every key changes no output", broken_shift);
  add("heads that share keys are heads with copies of them, bit for bit", broken_groups);
  if (!of.causal && !of.window && !of.padding) {
    add("the order of keys and values means nothing", broken_permutation);
    add("it is a window without ends, bit for bit", broken_dense_window);
  }
  if (of.causal)
    add("it is a window without an end on the left, bit for bit", broken_causal_window);
  if (of.window) {
    add("a window without an end on the left is causal, bit for bit", broken_wide_window);
    add("a window without ends is none, bit for bit", broken_widest_window);
  }
  if (of.padding) add("lengths of all keys are no mask, bit for bit", broken_full_lengths);
}

}  // namespace assay::properties
