#include "properties/attention_gradient_properties.hpp"

#include "properties/attention_head.hpp"
#include "properties/attention_relations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr std::size_t k_dq = 0, k_dk = 1, k_dv = 2;

std::string broken_by_implementation(const subject& s) {
  return differ_in_reach(s.outputs(), s.with_implementation("naive").outputs());
}

std::string broken_zeros(const subject& s) {
  const std::size_t grad = variant_of(s.inputs()).grad();
  const auto out = s.outputs(s.with_values(grad, [](double) { return 0.0; }));
  for (const bounded_output& each : out)
    for (std::size_t i = 0; i < each.got.size(); ++i)
      if (each.reach[i] != reference::k_infinity && each.got[i] != 0)
        return fmt::format("element {} is {:a}", i, each.got[i]);
  return {};
}

// All that a bounded output says, of twice its results.
std::vector<bounded_output> twice(std::vector<bounded_output> out) {
  for (bounded_output& each : out)
    for (auto* numbers : {&each.got, &each.reach})
      for (double& x : *numbers) x *= 2;
  return out;
}
std::string broken_linearity(const subject& s) {
  const std::size_t grad = variant_of(s.inputs()).grad();
  const case_inputs once = s.with_values(grad, coarse);
  const case_inputs doubled = s.with_values(grad, [](double x) { return 2 * coarse(x); });
  return differ_in_reach(twice(s.outputs(once)), s.outputs(doubled));
}

// Keys and values in the opposite order, and so their gradients.
std::string broken_permutation(const subject& s) {
  case_inputs other = s.inputs();
  for (const std::size_t t : {k_keys, k_values}) reverse_keys(other.id, other.values[t]);
  std::vector<bounded_output> there = s.outputs(other);
  for (const std::size_t t : {k_dk, k_dv})
    for (auto* numbers : {&there[t].got, &there[t].reach}) reverse_keys(other.id, *numbers);
  return differ_in_reach(s.outputs(), there);
}

// Of copies of a head, the gradients add up to its own; those of queries do not notice.
std::string broken_groups(const subject& s) {
  const attention_shape shape = attention_shape::of(s.inputs().id);
  const std::vector<bounded_output> here = s.outputs();
  const std::vector<bounded_output> copies =
      s.with_function(with_copied_heads(s.inputs())).outputs();
  if (std::string what = unlike({here[k_dq]}, {copies[k_dq]}); !what.empty()) return what;
  std::vector<bounded_output> sums = here;
  for (const std::size_t t : {k_dk, k_dv})
    for (std::size_t i = 0; i < here[t].got.size(); ++i) {
      const std::size_t row = i / std::size_t(shape.width), d = i % std::size_t(shape.width);
      sums[t].got[i] = sums[t].reach[i] = 0;
      for (std::size_t g = 0; g < std::size_t(shape.group); ++g) {
        const std::size_t at = (row * std::size_t(shape.group) + g) * std::size_t(shape.width) + d;
        sums[t].got[i] += copies[t].got[at];
        sums[t].reach[i] += copies[t].reach[at];
      }
    }
  return differ_in_reach({here[k_dk], here[k_dv]}, {sums[k_dk], sums[k_dv]});
}

// Rows of an output that `wanted(row)` names are the same, bit for bit.
template <class Wanted>
std::string changes_bits(const bounded_output& before, const bounded_output& after,
                         std::int64_t width, const Wanted& wanted) {
  for (std::size_t i = 0; i < before.got.size(); ++i) {
    if (!wanted(std::int64_t(i) / width)) continue;
    if (std::string what = no_number(before, i); !what.empty()) return what;
    if (!reference::same(before.got[i], after.got[i]))
      return fmt::format("element {}: {:a} is now {:a}", i, before.got[i], after.got[i]);
  }
  return {};
}

// Of a case, who sees whom: rows of q and rows of k.
struct sight {
  attention_shape shape;
  std::vector<seen_row> rows;

  explicit sight(const case_inputs& in) : shape(attention_shape::of(in.id)) {
    for (std::int64_t r = 0; r < shape.rows(); ++r)
      rows.push_back(seen_by(variant_of(in), shape, in, r));
  }
  bool sees(std::int64_t query_row, std::int64_t key_row) const {
    const seen_row& row = rows[std::size_t(query_row)];
    const std::int64_t head = key_row % shape.heads, token = key_row / shape.heads;
    const std::int64_t key = token % shape.keys, batch = token / shape.keys;
    return row.at.batch == batch && row.at.head == head && row.sees(key);
  }
};

void make_strange(std::vector<double>& tensor, std::int64_t row, std::int64_t width, double x) {
  std::fill_n(tensor.begin() + row * width, width, x);
}

// A key and its value made strange: no query that does not see it notices, and no other key.
std::string broken_blindness_to_keys(const subject& s) {
  const sight in(s.inputs());
  const std::int64_t width = in.shape.width, keys = in.shape.batch * in.shape.keys * in.shape.heads;
  if (keys == 0) return {};
  const std::vector<bounded_output> before = s.outputs();
  for (const double strange : {reference::k_nan, reference::k_infinity, 3.0})
    for (const std::int64_t key : {keys - 1, keys / 2}) {
      case_inputs other = s.inputs();
      for (const std::size_t t : {k_keys, k_values})
        make_strange(other.values[t], key, width, strange);
      const std::vector<bounded_output> after = s.outputs(other);
      std::string what = changes_bits(before[k_dq], after[k_dq], width,
                                      [&](std::int64_t row) { return !in.sees(row, key); });
      for (const std::size_t t : {k_dk, k_dv})
        if (what.empty())
          what = changes_bits(before[t], after[t], width,
                              [&](std::int64_t row) { return row != key; });
      if (!what.empty()) return fmt::format("key row {} made {}: {}", key, strange, what);
    }
  return {};
}

// A query and its gradient from above made strange: no key that it does not see notices, and no
// other query.
std::string broken_blindness_to_queries(const subject& s) {
  const sight in(s.inputs());
  const std::int64_t width = in.shape.width, rows = in.shape.rows();
  if (rows == 0) return {};
  const std::vector<bounded_output> before = s.outputs();
  for (const double strange : {reference::k_nan, reference::k_infinity, 3.0})
    for (const std::int64_t row : {std::int64_t(0), rows / 2}) {
      case_inputs other = s.inputs();
      for (const std::size_t t : {k_queries, variant_of(other).grad()})
        make_strange(other.values[t], row, width, strange);
      const std::vector<bounded_output> after = s.outputs(other);
      std::string what = changes_bits(before[k_dq], after[k_dq], width,
                                      [&](std::int64_t each) { return each != row; });
      for (const std::size_t t : {k_dk, k_dv})
        if (what.empty())
          what = changes_bits(before[t], after[t], width,
                              [&](std::int64_t key) { return !in.sees(row, key); });
      if (!what.empty()) return fmt::format("query row {} made {}: {}", row, strange, what);
    }
  return {};
}

// A NaN from above, in one column of one query: whoever reads it has it, and so has dv of every key
// that the query sees.
std::string broken_spread(const subject& s) {
  const sight in(s.inputs());
  const std::int64_t width = in.shape.width, keys = in.shape.batch * in.shape.keys * in.shape.heads;
  if (in.shape.rows() * width * keys == 0) return {};
  const bounded_output before = s.outputs()[k_dv];
  for (const std::int64_t row : {std::int64_t(0), in.shape.rows() - 1}) {
    case_inputs other = s.inputs();
    const attention_variant of = variant_of(other);
    const double lse = other.values[of.lse()][std::size_t(in.shape.lse_at(in.shape.row(row)))];
    if (!std::isfinite(lse)) continue;
    other.values[of.grad()][std::size_t(row * width)] = reference::k_nan;
    const bounded_output after = s.outputs(other)[k_dv];
    for (std::int64_t key = 0; key < keys; ++key) {
      const auto at = std::size_t(key * width);
      if (!in.sees(row, key) || before.reach[at] == reference::k_infinity) continue;
      if (!std::isnan(after.got[at]))
        return fmt::format("query row {} has a NaN from above, and dv of key row {} is {:a}", row,
                           key, after.got[at]);
    }
  }
  return {};
}

}  // namespace

void add_attention_gradient_properties(contract& c, const attention_variant& of) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  add("flash attention's gradients are those of naive attention", broken_by_implementation);
  add("no gradient from above, no gradient", broken_zeros);
  add("twice the gradient from above is twice every gradient", broken_linearity);
  add("who does not see a key does not notice it, bit for bit", broken_blindness_to_keys);
  add("who is not seen by a query does not notice it, bit for bit", broken_blindness_to_queries);
  add("a NaN from above reaches dv of every key that its query sees", broken_spread);
  add("gradients of copied keys add up to those of shared ones", broken_groups);
  if (of.is_dense()) add("the order of keys and values means nothing", broken_permutation);
  add_variant_relations(c, of);
}

}  // namespace assay::properties
