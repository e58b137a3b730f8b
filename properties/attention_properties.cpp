#include "properties/attention_properties.hpp"

#include "properties/attention_relations.hpp"
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
      if (!row.is_there(j)) continue;
      const reference::approximation dot = reference::dot2(row.q, row.keys.row(j));
      const double product = dot.value * scale,
                   bias = row.bias.empty() ? 0 : row.bias[std::size_t(j)];
      most = std::max(most, product + bias);
      off = std::max(
          off, dot.error * scale + 4 * 0x1p-53 * (std::abs(product) + std::abs(product + bias)));
    }
    const double log_n = std::log(double(row.count())) * (1 + 0x1p-47);
    if (most - off - reach <= lse && lse <= most + off + log_n + reach) return std::string();
    return fmt::format("lse = {:a} with a largest score of {:a}", lse, most);
  });
}

std::string broken_by_implementation(const subject& s) {
  return differ_in_reach(s.outputs(), s.with_implementation("naive").outputs());
}

std::string broken_shift(const subject& s) {
  const case_inputs keys = s.with_values(k_keys, coarse);
  const case_inputs moved = s.with_values(k_keys, [](double x) { return coarse(x) + 1; });
  return differ_in_reach({s.outputs(keys)[0]}, {s.outputs(moved)[0]});
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
  if (of.is_dense()) add("the order of keys and values means nothing", broken_permutation);
  add_variant_relations(c, of);
}

}  // namespace assay::properties
