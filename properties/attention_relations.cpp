#include "properties/attention_relations.hpp"

#include "properties/softmax_mask_properties.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {

attention_variant variant_of(const case_inputs& in) {
  return {.name = in.id.variant,
          .causal = in.id.variant == "causal",
          .window = in.id.variant == "window",
          .padding = in.id.variant == "padding"};
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

double coarse(double x) {
  return std::isfinite(x) ? std::round(std::clamp(x, -4.0, 4.0) * 8) / 8 : 0;
}
case_inputs with_copied_heads(const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  case_inputs repeated = in;
  for (field& each : repeated.id.shape) {
    if (each.key == "heads") each.value = shape.heads * shape.group;
    if (each.key == "group") each.value = std::int64_t(1);
  }
  for (const std::size_t t : {k_keys, k_values}) {
    std::vector<double>& to = repeated.values[t];
    to.clear();
    for (std::int64_t row = 0; row < shape.batch * shape.keys * shape.heads; ++row)
      for (std::int64_t g = 0; g < shape.group; ++g)
        to.insert(to.end(), in.values[t].begin() + row * shape.width,
                  in.values[t].begin() + (row + 1) * shape.width);
  }
  return repeated;
}

namespace {

// The same inputs, given to another variant, whose rows then see the same: without lengths, with
// the ends of a window or without.
std::string unlike_variant(const subject& s, const case_inputs& here, const std::string& variant,
                           const fields& window) {
  case_inputs there = here;
  there.id.variant = variant;
  if (variant_of(here).padding) {
    there.values.erase(there.values.begin() + k_lengths);
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

void add_variant_relations(contract& c, const attention_variant& of) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  if (!of.causal && !of.window && !of.padding)
    add("it is a window without ends, bit for bit", broken_dense_window);
  if (of.causal)
    add("it is a window without an end on the left, bit for bit", broken_causal_window);
  if (of.window) {
    add("a window without an end on the left is causal, bit for bit", broken_wide_window);
    add("a window without ends is none, bit for bit", broken_widest_window);
  }
  if (of.padding) add("lengths of all keys are no mask, bit for bit", broken_full_lengths);
}

}  // namespace assay::properties
