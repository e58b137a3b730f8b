#include "properties/softmax_mask_properties.hpp"

#include "properties/property.hpp"
#include "properties/softmax_rows.hpp"
#include "properties/softmax_variant.hpp"
#include "properties/values.hpp"
#include "reference/softmax.hpp"

#include <fmt/format.h>

namespace assay::properties {
namespace {

constexpr double k_masked = -reference::k_infinity;

bool has_added_mask(const case_inputs& in) {
  return in.id.variant == "additive" && in.id.direction == "fwd";
}

// Is an element of a row hidden, by its position or by what is added to it?
bool is_hidden(const case_inputs& in, const score_rows& rows, std::int64_t row, std::int64_t j) {
  if (j >= rows.visible(row)) return true;
  return has_added_mask(in) && rows.mask(in.values[k_added_mask], row)[std::size_t(j)] == k_masked;
}

// Has a row a NaN or +infinity in sight, which an added mask does not keep from what it masks? (A
// sum that overflows fp32 is one: no kernel promises anything of its row.)
bool is_undefined(const case_inputs& in, const score_rows& rows, std::int64_t row) {
  if (!has_added_mask(in)) return false;
  std::vector<double> sums =
      reference::added(rows.seen(in.values[0], row), rows.mask(in.values[k_added_mask], row));
  for (double& sum : sums) sum = reference::round(reference::k_fp32, sum);
  return reference::kind_of_row(std::span<const double>(sums)) == reference::row_kind::undefined;
}

// Other numbers, infinities and NaNs under a mask change nothing; the results there are zeros.
std::string broken_mask(const subject& s) {
  const score_rows rows = score_rows::of(s.inputs());
  case_inputs other = s.inputs();
  const double strange[] = {reference::k_nan, reference::k_infinity, 1e38, k_masked};
  const bounded_output y = s.outputs()[0];
  for (std::int64_t r = 0; r < rows.count; ++r)
    for (std::int64_t j = 0; j < rows.length; ++j) {
      if (!is_hidden(s.inputs(), rows, r, j)) continue;
      const auto i = std::size_t(r * rows.length + j);
      for (std::size_t t = 0; t < other.values.size(); ++t)
        if (s.of().inputs[t].shape == s.of().outputs[0].shape)
          other.values[t][i] = round_to(other.id.types[t].type, strange[i % 4]);
      if (!(y.got[i] == 0) && !is_undefined(s.inputs(), rows, r))
        return fmt::format("element {} is masked and {:a}", i, y.got[i]);
    }
  return same_bits(y.got, s.outputs(other)[0].got);
}

// The scores of all matrices, given to softmax without a mask.
case_inputs without_mask(const subject& s) {
  const score_rows rows = score_rows::of(s.inputs());
  case_inputs plain;
  plain.id = s.inputs().id;
  plain.id.variant = "plain";
  plain.id.types.clear();
  plain.id.shape = {{"rows", rows.count}, {"n", rows.length}};
  for (const field& each : s.inputs().id.shape)
    if (each.key == "align" || each.key == "pad") plain.id.shape.push_back(each);
  for (std::size_t t = 0; t < s.inputs().id.types.size(); ++t) {
    const bool is_input = t < s.of().inputs.size();
    const tensor_spec& spec =
        is_input ? s.of().inputs[t] : s.of().outputs[t - s.of().inputs.size()];
    if (spec.shape != s.of().outputs[0].shape) continue;
    plain.id.types.push_back(s.inputs().id.types[t]);
    if (is_input) plain.values.push_back(s.inputs().values[t]);
  }
  return plain;
}

std::string unlike_plain(const subject& s) {
  const subject plain = s.with_function(without_mask(s));
  return same_bits(s.outputs()[0].got, plain.outputs()[0].got);
}

// Lengths of all keys, and more.
std::string broken_full_lengths(const subject& s) {
  case_inputs full = s.inputs();
  const auto keys = double(full.id.dimension("k"));
  std::size_t i = 0;
  for (double& length : full.values.back()) length = i++ % 2 == 0 ? keys : 0x1p31 - 1;
  return unlike_plain(s.with_function(full));
}

std::string broken_no_mask(const subject& s) {
  return unlike_plain(s.with_function(s.with_values(k_added_mask, [](double) { return 0.0; })));
}

// 0 up to the query's own key, bottom-right aligned, and -infinity behind it. (What is masked in a
// row with a NaN in sight is NaN under a matrix, and 0 behind a position.)
std::string broken_causal_matrix(const subject& s) {
  case_inputs added = s.inputs(), causal = s.inputs();
  causal.id.variant = "causal";
  causal.id.types.erase(causal.id.types.begin() + k_added_mask);
  causal.values.resize(k_added_mask);
  const score_rows rows = score_rows::of(causal);
  for (std::int64_t i = 0; i < rows.queries; ++i)
    for (std::int64_t j = 0; j < rows.length; ++j)
      added.values[k_added_mask][std::size_t(i * rows.length + j)] =
          j < rows.visible(i) ? 0 : k_masked;
  std::vector<double> here = s.outputs(added)[0].got,
                      there = s.with_function(causal).outputs()[0].got;
  for (std::int64_t r = 0; r < rows.count; ++r)
    for (std::int64_t j = rows.visible(r); j < rows.length; ++j)
      here[std::size_t(r * rows.length + j)] = there[std::size_t(r * rows.length + j)] = 0;
  return same_bits(here, there);
}

}  // namespace

void add_softmax_mask_properties(contract& c) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  const bool additive = c.variant == "additive", forward = c.direction == "fwd";
  if (c.variant == "causal" || c.variant == "padding" || (additive && forward))
    add("what is masked gives 0, and what stands there changes no bit", broken_mask);
  if (c.variant == "padding")
    add("lengths of all keys are no mask, bit for bit", broken_full_lengths);
  if (additive && forward) {
    add("a mask of zeros is none, bit for bit", broken_no_mask);
    add("what a causal matrix leaves is what the position leaves, bit for bit",
        broken_causal_matrix);
  }
  if (additive && !forward) add("the gradient is that of no mask, bit for bit", unlike_plain);
}

}  // namespace assay::properties
