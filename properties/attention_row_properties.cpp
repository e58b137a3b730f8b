#include "properties/attention_row_properties.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

constexpr double k_inf = reference::k_infinity;

// o, and lse where there is one, of the other inputs are the same, in these rows, bit for bit.
template <class Rows>
std::string changes_bits(const subject& s, const std::vector<bounded_output>& before,
                         const std::vector<bounded_output>& after, const Rows& wanted) {
  const attention_shape shape = attention_shape::of(s.inputs().id);
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const seen_row row = seen_by(variant_of(s.inputs()), shape, s.inputs(), r);
    if (!wanted(row)) continue;
    if (before.size() > 1) {
      const auto lse = std::size_t(shape.lse_at(row.at));
      if (std::string what = no_number(before[1], lse); !what.empty()) return what;
      if (!reference::same(before[1].got[lse], after[1].got[lse]))
        return fmt::format("row {}: lse {:a} is now {:a}", r, before[1].got[lse],
                           after[1].got[lse]);
    }
    for (std::int64_t d = 0; d < shape.width; ++d) {
      const auto i = std::size_t(r * shape.width + d);
      if (std::string what = no_number(before[0], i); !what.empty()) return what;
      if (!reference::same(before[0].got[i], after[0].got[i]))
        return fmt::format("row {}: o[{}] {:a} is now {:a}", r, d, before[0].got[i],
                           after[0].got[i]);
    }
  }
  return {};
}

}  // namespace

std::string broken_average(const subject& s) {
  const bounded_output o = s.outputs()[0];
  return of_rows(s.inputs(), [&](const seen_row& row, std::int64_t r) {
    for (std::size_t d = 0; d < row.q.size(); ++d) {
      const std::size_t at = std::size_t(r) * row.q.size() + d;
      double least = row.values.count ? k_inf : 0, most = -least;
      for (std::int64_t j = 0; j < row.values.count; ++j) {
        if (!row.is_there(j)) continue;
        least = std::min(least, row.values.row(j)[d]);
        most = std::max(most, row.values.row(j)[d]);
      }
      if (o.reach[at] == k_inf) continue;
      if (!(least - o.reach[at] <= o.got[at] && o.got[at] <= most + o.reach[at]))
        return fmt::format("o[{}] = {:a} is outside [{:a}, {:a}]", d, o.got[at], least, most);
    }
    return std::string();
  });
}

std::string broken_constant(const subject& s) {
  constexpr double k_value = 0.75;
  const case_inputs same = s.with_values(k_values, [](double) { return k_value; });
  const bounded_output o = s.outputs(same)[0];
  return of_rows(same, [&](const seen_row& row, std::int64_t r) {
    const double expected = row.keys.count ? k_value : 0;
    for (std::size_t d = 0; d < row.q.size(); ++d) {
      const std::size_t at = std::size_t(r) * row.q.size() + d;
      if (o.reach[at] != k_inf && !(std::abs(o.got[at] - expected) <= o.reach[at]))
        return fmt::format("o[{}] = {:a}", d, o.got[at]);
    }
    return std::string();
  });
}

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
        return !here || !row.sees(key);
      });
      if (!what.empty()) return fmt::format("key {} made {}: {}", key, strange, what);
    }
  return {};
}

std::string broken_permutation(const subject& s) {
  case_inputs other = s.inputs();
  for (const std::size_t t : {k_keys, k_values}) reverse_keys(s.inputs().id, other.values[t]);
  return differ_in_reach(s.outputs(), s.outputs(other));
}

std::string broken_groups(const subject& s) {
  return unlike(s.outputs(), s.with_function(with_copied_heads(s.inputs())).outputs());
}

}  // namespace assay::properties
