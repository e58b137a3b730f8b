#include "properties/attention_properties.hpp"

#include "properties/attention_relations.hpp"
#include "properties/property.hpp"
#include "properties/softmax_mask_properties.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr double k_inf = reference::k_infinity;

// Asks a question of every row and what came out of it; the first answer that is not empty.
template <class Broken>
std::string of_rows(const subject& s, const case_inputs& in, const Broken& broken) {
  const attention_variant of = variant_of(in);
  const attention_shape shape = attention_shape::of(in.id);
  const std::vector<bounded_output> out = s.outputs(in);
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const seen_row row = seen_by(of, shape, in, r);
    const auto lse = std::size_t(shape.lse_at(row.at));
    const bounded_output o{
        {out[0].got.begin() + r * shape.width, out[0].got.begin() + (r + 1) * shape.width},
        {out[0].reach.begin() + r * shape.width, out[0].reach.begin() + (r + 1) * shape.width}};
    const std::string what = broken(row, o, out[1].got[lse], out[1].reach[lse]);
    if (!what.empty()) return fmt::format("row {}: {}", r, what);
  }
  return {};
}

// An average lies between the least and the largest value of its column.
std::string broken_average(const subject& s) {
  return of_rows(s, s.inputs(), [](const seen_row& row, const bounded_output& o, double, double) {
    for (std::size_t d = 0; d < o.got.size(); ++d) {
      double least = row.values.count ? k_inf : 0, most = -least;
      for (std::int64_t j = 0; j < row.values.count; ++j) {
        least = std::min(least, row.values.row(j)[d]);
        most = std::max(most, row.values.row(j)[d]);
      }
      if (o.reach[d] == k_inf) continue;
      if (!(least - o.reach[d] <= o.got[d] && o.got[d] <= most + o.reach[d]))
        return fmt::format("o[{}] = {:a} is outside [{:a}, {:a}]", d, o.got[d], least, most);
    }
    return std::string();
  });
}

std::string broken_constant(const subject& s) {
  constexpr double k_value = 0.75;
  const case_inputs same = s.with_values(k_values, [](double) { return k_value; });
  return of_rows(s, same, [](const seen_row& row, const bounded_output& o, double, double) {
    const double expected = row.keys.count ? k_value : 0;
    for (std::size_t d = 0; d < o.got.size(); ++d)
      if (o.reach[d] != k_inf && !(std::abs(o.got[d] - expected) <= o.reach[d]))
        return fmt::format("o[{}] = {:a}", d, o.got[d]);
    return std::string();
  });
}

// The largest score, and that plus the logarithm of how many there are.
std::string broken_logarithm(const subject& s) {
  const double scale = scale_of(s.inputs()).value;
  return of_rows(
      s, s.inputs(), [&](const seen_row& row, const bounded_output&, double lse, double reach) {
        if (reach == k_inf) return std::string();
        if (row.keys.count == 0)
          return lse == -k_inf ? std::string() : fmt::format("lse = {:a}", lse);
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

// o and lse of the other inputs are the same, in these rows, bit for bit.
template <class Rows>
std::string changes_bits(const subject& s, const std::vector<bounded_output>& before,
                         const std::vector<bounded_output>& after, const Rows& wanted) {
  const attention_shape shape = attention_shape::of(s.inputs().id);
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const seen_row row = seen_by(variant_of(s.inputs()), shape, s.inputs(), r);
    if (!wanted(row)) continue;
    const auto lse = std::size_t(shape.lse_at(row.at));
    if (std::string what = no_number(before[1], lse); !what.empty()) return what;
    if (!reference::same(before[1].got[lse], after[1].got[lse]))
      return fmt::format("row {}: lse {:a} is now {:a}", r, before[1].got[lse], after[1].got[lse]);
    for (std::int64_t d = 0; d < shape.width; ++d) {
      const auto i = std::size_t(r * shape.width + d);
      if (!reference::same(before[0].got[i], after[0].got[i]))
        return fmt::format("row {}: o[{}] {:a} is now {:a}", r, d, before[0].got[i],
                           after[0].got[i]);
    }
  }
  return {};
}

// A key and its value, in one head of one batch, made strange: whoever does not see it does not
// notice.
std::string broken_blindness(const subject& s) {
  const attention_shape shape = attention_shape::of(s.inputs().id);
  if (shape.keys == 0 || shape.batch * shape.heads == 0) return {};
  const std::vector<bounded_output> before = s.outputs();
  std::size_t which = 0;
  for (const double strange : {reference::k_nan, k_inf, -k_inf, 3.0})
    for (const std::int64_t key : {shape.keys - 1, shape.keys / 2}) {
      const std::int64_t batch = std::int64_t(which) % shape.batch,
                         head = std::int64_t(which++) % shape.heads;
      case_inputs other = s.inputs();
      for (const std::size_t t : {k_keys, k_values})
        for (std::int64_t d = 0; d < shape.width; ++d)
          other.values[t][std::size_t(
              ((batch * shape.keys + key) * shape.heads + head) * shape.width + d)] = strange;
      const std::string what = changes_bits(s, before, s.outputs(other), [&](const seen_row& row) {
        const bool here = row.at.batch == batch && row.at.head == head;
        return !here || key < row.range.first || key >= row.range.last;
      });
      if (!what.empty()) return fmt::format("key {} made {}: {}", key, strange, what);
    }
  return {};
}

std::string broken_by_implementation(const subject& s) {
  return differ_in_reach(s.outputs(), s.with_implementation("naive").outputs());
}

// Keys and values of every head in the opposite order.
std::string broken_permutation(const subject& s) {
  case_inputs other = s.inputs();
  for (const std::size_t t : {k_keys, k_values}) reverse_keys(s.inputs().id, other.values[t]);
  return differ_in_reach(s.outputs(), s.outputs(other));
}

std::string broken_shift(const subject& s) {
  const case_inputs keys = s.with_values(k_keys, coarse);
  const case_inputs moved = s.with_values(k_keys, [](double x) { return coarse(x) + 1; });
  return differ_in_reach({s.outputs(keys)[0]}, {s.outputs(moved)[0]});
}

// Query heads that share a key's head, and the same with a copy of it each.
std::string broken_groups(const subject& s) {
  return unlike(s.outputs(), s.with_function(with_copied_heads(s.inputs())).outputs());
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
  if (!of.causal && !of.window && !of.padding)
    add("the order of keys and values means nothing", broken_permutation);
  add_variant_relations(c, of);
}

}  // namespace assay::properties
