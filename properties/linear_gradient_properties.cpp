#include "properties/linear_gradient_properties.hpp"

#include "properties/linear_relations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

using namespace linear_relations;

// Rows split in two: dw and db of all are the sums of those of both.
std::string broken_parts(const subject& s) {
  const std::int64_t rows = linear_shape::of(s.inputs().id).rows, half = rows / 2;
  const std::vector<bounded_output> all = s.outputs(), first = s.outputs(with_rows_of(s, 0, half)),
                                    rest = s.outputs(with_rows_of(s, half, rows));
  for (std::size_t k = 1; k < all.size(); ++k) {
    std::vector<double> sum, allowed;
    for (std::size_t i = 0; i < all[k].got.size(); ++i) {
      sum.push_back(first[k].got[i] + rest[k].got[i]);
      allowed.push_back(together({all[k].reach[i], first[k].reach[i], rest[k].reach[i]}, sum[i]));
    }
    if (std::string what = differ(all[k].got, sum, allowed); !what.empty()) return what;
  }
  return {};
}

// Of one row dw is an outer product, each element of it rounded once, and db is dy.
std::string broken_outer_product(const subject& s) {
  const linear_variant& of = linear_variant_of(s.inputs().id);
  const linear_shape shape = linear_shape::of(s.inputs().id);
  if (shape.rows == 0) return {};
  const case_inputs one = coarsened(with_rows_of(s, shape.rows - 1, shape.rows));
  const std::vector<bounded_output> got = s.outputs(one);
  const std::vector<double>&x = one.values[k_x], &dy = one.values[k_dy];
  std::vector<double> outer;
  for (std::int64_t i = 0; i < shape.in; ++i)
    for (std::int64_t n = 0; n < shape.out; ++n)
      outer.push_back(round_to(s.output_type(1), x[std::size_t(i)] * dy[std::size_t(n)]));
  if (of.turned) outer = transposed(outer, shape.in, shape.out);
  if (std::string what = unlike_exactly(got[1].got, outer); !what.empty()) return what;
  return of.biased ? unlike_exactly(got[2].got, dy) : "";
}

// Outputs in the opposite order: dw and db have them so too, bit for bit, and dx is the sum of as
// many terms in another order.
std::string broken_turned_outputs(const subject& s) {
  const linear_variant& of = linear_variant_of(s.inputs().id);
  const linear_shape shape = linear_shape::of(s.inputs().id);
  const auto turn = [&](const auto& all) { return turned_columns(all, shape.out); };
  const auto turn_w = [&](const auto& all) { return turned_outputs(of, shape, all); };
  case_inputs other = s.inputs();
  other.values[k_w] = turn_w(other.values[k_w]);
  other.values[k_dy] = turn(other.values[k_dy]);
  const std::vector<bounded_output> here = s.outputs(), there = s.outputs(other);
  if (std::string what = unlike({here[1]}, {changed(there[1], turn_w)}); !what.empty()) return what;
  if (of.biased)
    if (std::string what = unlike({here[2]}, {changed(there[2], turn)}); !what.empty()) return what;
  return differ_in_reach({here[0]}, {there[0]});
}

std::string broken_zero_gradient(const subject& s) {
  case_inputs other = coarsened(s.inputs());
  std::fill(other.values[k_dy].begin(), other.values[k_dy].end(), 0);
  for (const bounded_output& each : s.outputs(other))
    if (std::string what = unlike_exactly(each.got, std::vector<double>(each.got.size()));
        !what.empty())
      return what;
  return {};
}

std::string broken_transposed_gradients(const subject& s) {
  const linear_shape shape = linear_shape::of(s.inputs().id);
  std::vector<std::vector<double>> values = s.inputs().values;
  values[k_w] = weights_by_input(s);
  const std::vector<bounded_output> here = s.outputs();
  std::vector<bounded_output> there = s.with_function(as_variant(s, "bias", values)).outputs();
  const auto turn = [&](const auto& all) { return transposed(all, shape.in, shape.out); };
  if (std::string what = differ_in_reach({here[1]}, {changed(there[1], turn)}); !what.empty())
    return what;
  return unlike({here[0], here[2]}, {there[0], there[2]});
}

std::string broken_tied_gradients(const subject& s) {
  std::vector<bounded_output> there =
      s.with_function(as_variant(s, "out_in", s.inputs().values)).outputs();
  there.pop_back();
  return unlike(s.outputs(), there);
}

}  // namespace

void add_gradient_properties(contract& c, const linear_variant& of) {
  const auto add = [&](const char* statement, auto broken) {
    c.properties.push_back({statement, broken});
  };
  add("gradients of w and b are the sums of those of the rows' two halves", broken_parts);
  add("of one row dw is its outer product with dy", broken_outer_product);
  add("outputs in another order have their gradients in it", broken_turned_outputs);
  add("of a gradient of zeros all gradients are zeros", broken_zero_gradient);
  if (of.name == "out_in")
    add("gradients are those of the transposed matrix", broken_transposed_gradients);
  if (!of.biased) add("gradients are those of a layer with a bias", broken_tied_gradients);
}

}  // namespace assay::properties
