#include "properties/attention_relations.hpp"

#include "properties/attention_contract.hpp"
#include "properties/property.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {

attention_variant variant_of(const case_inputs& in) {
  for (const attention_variant& each : attention_variants())
    if (each.name == in.id.variant) return each;
  return {.name = in.id.variant, .decode = in.id.variant == "decode"};
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

// The same inputs, given to another variant, whose rows then see the same: without the fourth, with
// the ends of a window or without.
case_inputs as_variant(const case_inputs& here, const std::string& variant,
                       const fields& window = {}) {
  case_inputs there = here;
  there.id.variant = variant;
  if (variant_of(here).has_fourth()) {
    there.values.erase(there.values.begin() + k_fourth);
    there.id.types.erase(there.id.types.begin() + k_fourth);
  }
  there.parameters.resize(1);
  std::erase_if(there.id.shape, [](const field& f) {
    return f.key == "left" || f.key == "right" || f.key == "causal";
  });
  for (const field& each : window) {
    there.id.shape.push_back(each);
    there.parameters.push_back(each.value.as_double());
  }
  return there;
}
std::string unlike_variant(const subject& s, const case_inputs& here, const std::string& variant,
                           const fields& window = {}) {
  return unlike(s.outputs(here), s.with_function(as_variant(here, variant, window)).outputs());
}
std::string far_from_variant(const subject& s, const case_inputs& here,
                             const std::string& variant) {
  return differ_in_reach(s.outputs(here), s.with_function(as_variant(here, variant)).outputs());
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
  return unlike_variant(s, with_window(s, k_endless, 0), "causal");
}
std::string broken_widest_window(const subject& s) {
  return unlike_variant(s, with_window(s, k_endless, k_endless), "dense");
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
  for (double& length : full.values[k_fourth]) length = i++ % 2 == 0 ? keys : 0x1p31 - 1;
  return unlike_variant(s, full, "dense");
}

std::string broken_zero_slopes(const subject& s) {
  return far_from_variant(s, s.with_values(k_fourth, [](double) { return 0.0; }), "causal");
}
std::string broken_zero_biases(const subject& s) {
  return far_from_variant(s, s.with_values(k_fourth, [](double) { return 0.0; }), "dense");
}

// A bias of each pair, from what two variants say of it: bias(its row, its key).
template <class Bias>
std::vector<double> table_of(const case_id& id, const Bias& bias) {
  const attention_shape shape = attention_shape::of(id);
  std::vector<double> table;
  for (std::int64_t h = 0; h < shape.heads; ++h)
    for (std::int64_t g = 0; g < shape.group; ++g)
      for (std::int64_t i = 0; i < shape.queries; ++i)
        for (std::int64_t j = 0; j < shape.keys; ++j)
          table.push_back(bias(attention_row{0, i, h, g}, j));
  return table;
}
// The same inputs with another fourth one, of another variant.
case_inputs with_fourth(const case_inputs& here, const std::string& variant, tensor_type tensor,
                        std::vector<double> values) {
  case_inputs there = as_variant(here, variant);
  there.values.insert(there.values.begin() + k_fourth, std::move(values));
  there.id.types.insert(there.id.types.begin() + k_fourth, std::move(tensor));
  return there;
}
case_inputs with_biases(const case_inputs& here, std::vector<double> table) {
  return with_fourth(here, "bias", {"bias", here.id.types[k_queries].type}, std::move(table));
}

// 0, and -infinity behind a query's own key.
std::vector<double> causal_table(const case_id& id) {
  const attention_shape shape = attention_shape::of(id);
  return table_of(id, [&](const attention_row& at, std::int64_t key) {
    return key - at.query > shape.keys - shape.queries ? -reference::k_infinity : 0.0;
  });
}
std::string broken_slopes_as_biases(const subject& s) {
  const case_inputs here = s.with_values(k_fourth, [](double) { return 0.0; });
  return unlike(s.outputs(here),
                s.with_function(with_biases(here, causal_table(here.id))).outputs());
}
std::string broken_biases_as_slopes(const subject& s) {
  case_inputs here = s.inputs();
  here.values[k_fourth] = causal_table(here.id);
  const attention_shape shape = attention_shape::of(here.id);
  const std::vector<double> zeros(std::size_t(shape.heads * shape.group));
  const case_inputs there = with_fourth(here, "alibi", {"slopes", dtype::fp32}, zeros);
  return unlike(s.outputs(here), s.with_function(there).outputs());
}

std::string broken_dead_blocks(const subject& s) {
  case_inputs here = s.inputs();
  here.parameters[1] = 0;
  for (field& each : here.id.shape)
    if (each.key == "causal") each.value = 0.0;
  const case_inputs there =
      with_biases(here, table_of(here.id, [&](const attention_row& at, std::int64_t key) {
                    return biases_of(variant_of(here), here, at, {key, key + 1})[0];
                  }));
  return differ_in_reach(s.outputs(here), s.with_function(there).outputs());
}
std::string broken_live_blocks(const subject& s) {
  case_inputs all = s.with_values(k_fourth, [](double) { return 1.0; });
  return unlike_variant(s, all, all.parameters[1] != 0 ? "causal" : "dense");
}

}  // namespace

void add_variant_relations(contract& c, const attention_variant& of) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  if (of.is_dense()) add("it is a window without ends, bit for bit", broken_dense_window);
  if (of.name == "causal")
    add("it is a window without an end on the left, bit for bit", broken_causal_window);
  if (of.window) {
    add("a window without an end on the left is causal, bit for bit", broken_wide_window);
    add("a window without ends is none, bit for bit", broken_widest_window);
  }
  if (of.padding) add("lengths of all keys are no mask, bit for bit", broken_full_lengths);
  if (of.alibi) {
    add("slopes of zero are a causal mask", broken_zero_slopes);
    add("slopes of zero are biases of -infinity behind a query's own key, bit for bit",
        broken_slopes_as_biases);
  }
  if (of.bias) {
    add("biases of zero are none", broken_zero_biases);
    add("biases of -infinity behind a query's own key are slopes of zero, bit for bit",
        broken_biases_as_slopes);
  }
  if (of.blocks) {
    add("all blocks live are a causal mask, or none, bit for bit", broken_live_blocks);
    add("dead blocks are biases of -infinity", broken_dead_blocks);
  }
}

}  // namespace assay::properties
