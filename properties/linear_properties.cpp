#include "properties/linear_properties.hpp"

#include "properties/attention_relations.hpp"
#include "properties/property.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace assay::properties {
namespace {

using namespace linear_inputs;

// ---- what inputs are turned into ---------------------------------------------------------------

void set_extent(case_inputs& in, const char* name, std::int64_t extent) {
  for (field& each : in.id.shape)
    if (each.key == name) each.value = extent;
}

// Tensors that have a row for each row of x: inputs, then outputs.
std::vector<std::size_t> with_rows(const contract& c) {
  std::vector<std::size_t> all;
  for (std::size_t t = 0; t < c.inputs.size(); ++t)
    if (c.inputs[t].shape.front() == "rows") all.push_back(t);
  return all;
}

// Rows [first, last) of every tensor that has such, as many times.
case_inputs with_rows_of(const subject& s, std::int64_t first, std::int64_t last, int times = 1) {
  const std::int64_t rows = linear_shape::of(s.inputs().id).rows;
  case_inputs other = s.inputs();
  for (const std::size_t t : with_rows(s.of())) {
    const std::vector<double> before = other.values[t];
    const std::int64_t row = rows > 0 ? std::int64_t(before.size()) / rows : 0;
    other.values[t].clear();
    for (int i = 0; i < times; ++i)
      other.values[t].insert(other.values[t].end(), before.begin() + first * row,
                             before.begin() + last * row);
  }
  set_extent(other, "rows", (last - first) * times);
  return other;
}

// A matrix [rows, columns], or a vector, with its columns in the opposite order, or its rows.
template <class T>
std::vector<T> turned_columns(const std::vector<T>& all, std::int64_t columns) {
  std::vector<T> other = all;
  for (auto row = other.begin(); columns > 0 && row != other.end(); row += columns)
    std::reverse(row, row + columns);
  return other;
}
template <class T>
std::vector<T> transposed(const std::vector<T>& all, std::int64_t rows, std::int64_t columns) {
  std::vector<T> other(all.size());
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t n = 0; n < columns; ++n)
      other[std::size_t(n * rows + i)] = all[std::size_t(i * columns + n)];
  return other;
}
template <class T>
std::vector<T> turned_rows(const std::vector<T>& all, std::int64_t rows, std::int64_t columns) {
  return transposed(turned_columns(transposed(all, rows, columns), rows), columns, rows);
}

// w's outputs in the opposite order.
std::vector<double> turned_outputs(const linear_variant& of, const linear_shape& shape,
                                   const std::vector<double>& w) {
  return of.turned ? turned_rows(w, shape.out, shape.in) : turned_columns(w, shape.out);
}

case_inputs coarsened(const case_inputs& in) {
  case_inputs other = in;
  for (std::vector<double>& each : other.values)
    for (double& x : each) x = coarse(x);
  return other;
}

bounded_output part_of(const bounded_output& of, std::size_t first, std::size_t last) {
  const auto cut = [&](const std::vector<double>& all) {
    return std::vector<double>(all.begin() + std::ptrdiff_t(first),
                               all.begin() + std::ptrdiff_t(last));
  };
  return {cut(of.got), cut(of.reach)};
}

bounded_output changed(const bounded_output& of, const auto& change) {
  return {change(of.got), change(of.reach)};
}

// Empty where each element is what it must be, zeros of either sign.
std::string unlike_exactly(const std::vector<double>& got, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!(got[i] == expected[i]))
      return fmt::format("element {} is {:a}, not {:a}", i, got[i], expected[i]);
  return {};
}

// What sums of outputs may differ by: their reaches, and the roundings of the sums themselves.
double together(std::initializer_list<double> reaches, double sum) {
  double all = std::isfinite(sum) ? 0x1p-50 * std::abs(sum) : 0;
  for (const double each : reaches) all += each;
  return all;
}

// Which output the sums themselves are: of a GELU the one before it.
std::size_t plain_output(const subject& s) { return s.of().outputs.size() - 1; }

// ---- both directions ---------------------------------------------------------------------------

// All rows three times over: the outputs that have rows are those of one time, three times over.
std::string broken_rows(const subject& s) {
  const linear_shape shape = linear_shape::of(s.inputs().id);
  if (shape.rows == 0) return {};
  const std::vector<bounded_output> once = s.outputs(),
                                    all = s.outputs(with_rows_of(s, 0, shape.rows, 3)),
                                    last = s.outputs(with_rows_of(s, shape.rows - 1, shape.rows));
  for (std::size_t k = 0; k < once.size(); ++k) {
    if (s.of().outputs[k].shape.front() != "rows") continue;
    const std::size_t n = once[k].got.size(), row = n / std::size_t(shape.rows);
    for (const std::size_t times : {0u, 1u, 2u})
      if (std::string what = unlike({once[k]}, {part_of(all[k], times * n, (times + 1) * n)});
          !what.empty())
        return what;
    if (std::string what = unlike({part_of(once[k], n - row, n)}, {last[k]}); !what.empty())
      return what;
  }
  return {};
}

std::string broken_by_implementation(const subject& s) {
  const std::vector<bounded_output> here = s.outputs(),
                                    there = s.with_implementation("naive").outputs();
  // A sum in the same order, whoever takes which part of it; db has another.
  if (s.by().name == "tiled")
    for (std::size_t k = 0; k < here.size(); ++k)
      if (s.of().outputs[k].name != "db")
        if (std::string what = unlike({here[k]}, {there[k]}); !what.empty()) return what;
  return differ_in_reach(here, there);
}

// ---- forward -----------------------------------------------------------------------------------

std::string broken_columns(const subject& s) {
  const linear_variant& of = linear_variant_of(s.inputs().id);
  const linear_shape shape = linear_shape::of(s.inputs().id);
  const auto turn = [&](const auto& all) { return turned_columns(all, shape.out); };
  case_inputs other = s.inputs();
  other.values[k_w] = turned_outputs(of, shape, other.values[k_w]);
  for (std::size_t t = k_b; t < other.values.size(); ++t) other.values[t] = turn(other.values[t]);
  const std::vector<bounded_output> here = s.outputs(), there = s.outputs(other);
  for (std::size_t k = 0; k < here.size(); ++k)
    if (std::string what = unlike({here[k]}, {changed(there[k], turn)}); !what.empty()) return what;
  return {};
}

// The first columns of x and as many outputs, an identity, no bias, no residual.
std::string broken_identity(const subject& s) {
  const linear_shape shape = linear_shape::of(s.inputs().id);
  const std::int64_t n = std::min<std::int64_t>(shape.in, 40);
  case_inputs other = s.inputs();
  std::vector<double>&x = other.values[k_x], &w = other.values[k_w];
  x.clear();
  for (std::int64_t i = 0; i < shape.rows; ++i)
    for (std::int64_t k = 0; k < n; ++k)
      x.push_back(coarse(s.inputs().values[k_x][std::size_t(i * shape.in + k)]));
  w.assign(std::size_t(n * n), 0);
  for (std::int64_t k = 0; k < n; ++k) w[std::size_t(k * (n + 1))] = 1;
  set_extent(other, "in", n), set_extent(other, "out", n);
  for (std::size_t t = k_b; t < other.values.size(); ++t)
    other.values[t].assign(std::size_t(t == k_b ? n : shape.rows * n), 0);
  return unlike_exactly(s.outputs(other)[plain_output(s)].got, x);
}

std::string broken_integers(const subject& s) {
  const linear_variant& of = linear_variant_of(s.inputs().id);
  case_inputs other = coarsened(s.inputs());  // up to 8: sums of 2^17 products stay below 2^24
  for (std::vector<double>& each : other.values)
    for (double& x : each) x = std::clamp(8 * x, -8.0, 8.0);
  const std::size_t k = plain_output(s);
  const std::vector<double> got = s.outputs(other)[k].got;
  const linear_sums sums = sums_of(of, other)[0];
  std::vector<double> exact;
  for (const reference::approximation& each :
       reference::product_with_error(sums.left, sums.right, sums.row, sums.all))
    exact.push_back(round_to(s.output_type(k), each.value));
  return unlike_exactly(got, exact);
}

std::string broken_zero_weights(const subject& s) {
  const linear_variant& of = linear_variant_of(s.inputs().id);
  const linear_shape shape = linear_shape::of(s.inputs().id);
  case_inputs other = coarsened(s.inputs());
  std::fill(other.values[k_w].begin(), other.values[k_w].end(), 0);
  if (of.residual) std::fill(other.values[k_r].begin(), other.values[k_r].end(), 0);
  std::vector<double> bias;
  for (std::int64_t i = 0; i < shape.rows * shape.out; ++i)
    bias.push_back(of.biased ? other.values[k_b][std::size_t(i % shape.out)] : 0);
  return unlike_exactly(s.outputs(other)[plain_output(s)].got, bias);
}

// f(x + z) + f(0) and f(x) + f(z), f without a GELU; x and z in eighths, whose sum is exact.
std::string broken_sum(const subject& s) {
  const std::size_t k = plain_output(s);
  case_inputs x = coarsened(s.inputs()), z = x, both = x, none = x;
  std::reverse(z.values[k_x].begin(), z.values[k_x].end());
  for (std::size_t i = 0; i < x.values[k_x].size(); ++i) {
    both.values[k_x][i] += z.values[k_x][i];
    none.values[k_x][i] = 0;
  }
  const bounded_output a = s.outputs(both)[k], b = s.outputs(none)[k], c = s.outputs(x)[k],
                       d = s.outputs(z)[k];
  std::vector<double> left, right, allowed;
  for (std::size_t i = 0; i < a.got.size(); ++i) {
    left.push_back(a.got[i] + b.got[i]);
    right.push_back(c.got[i] + d.got[i]);
    allowed.push_back(together({a.reach[i], b.reach[i], c.reach[i], d.reach[i]},
                               std::abs(left[i]) + std::abs(right[i])));
  }
  return differ(left, right, allowed);
}

// The same layer of another variant, with other tensors of its own.
case_inputs as_variant(const subject& s, const char* name,
                       std::vector<std::vector<double>> values) {
  case_inputs there = s.inputs();
  there.id.variant = name;
  const contract& c = contract_of(there.id);
  there.id.types.clear();
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors)
      there.id.types.push_back({each.name, s.inputs().id.types[0].type});
  there.values = std::move(values);
  return there;
}

// w as `bias` has it.
std::vector<double> weights_by_input(const subject& s) {
  const linear_shape shape = linear_shape::of(s.inputs().id);
  return transposed(s.inputs().values[k_w], shape.out, shape.in);
}

std::string broken_transposed(const subject& s) {
  std::vector<std::vector<double>> values = s.inputs().values;
  values[k_w] = weights_by_input(s);
  return unlike(s.outputs(), s.with_function(as_variant(s, "bias", values)).outputs());
}

std::string broken_tied(const subject& s) {
  std::vector<std::vector<double>> values = s.inputs().values;
  values.emplace_back(std::size_t(linear_shape::of(s.inputs().id).out));  // no bias
  const std::vector<bounded_output> here = s.outputs(),
                                    there =
                                        s.with_function(as_variant(s, "out_in", values)).outputs();
  for (std::size_t i = 0; i < here[0].got.size(); ++i) {
    if (std::string what = no_number(here[0], i); !what.empty()) return what;
    // But for the signs of zeros, which adding nothing may change.
    const double a = here[0].got[i], b = there[0].got[i];
    if (!(a == b || (std::isnan(a) && std::isnan(b))))
      return fmt::format("element {} is {:a}, and with a bias of zeros {:a}", i, a, b);
  }
  return {};
}

std::string broken_pre(const subject& s) {
  return unlike({s.outputs()[1]},
                s.with_function(as_variant(s, "bias", s.inputs().values)).outputs());
}

std::string broken_zero_residual(const subject& s) {
  case_inputs none = s.inputs();
  std::fill(none.values[k_r].begin(), none.values[k_r].end(), 0);
  std::vector<std::vector<double>> values = s.inputs().values;
  values.resize(k_r);
  const bounded_output here = s.outputs(none)[0],
                       there = s.with_function(as_variant(s, "bias", values)).outputs()[0];
  for (std::size_t i = 0; i < here.got.size(); ++i)
    if (std::string what = no_number(here, i); !what.empty()) return what;
  // Zeros lose their sign where one is added.
  const auto plus_zero = [](std::vector<double> all) {
    for (double& x : all) x = x + 0.0;
    return all;
  };
  return unlike({changed(here, plus_zero)}, {changed(there, plus_zero)});
}

// ---- backward ----------------------------------------------------------------------------------

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

void add_linear_properties(contract& c, const linear_variant& of, bool forward) {
  const auto add = [&](const char* statement, auto broken) {
    c.properties.push_back({statement, broken});
  };
  add("a row's outputs do not know how many others there are, bit for bit", broken_rows);
  add("every implementation agrees with the naive one", broken_by_implementation);
  if (!forward) {
    add("gradients of w and b are the sums of those of the rows' two halves", broken_parts);
    add("of one row dw is its outer product with dy", broken_outer_product);
    add("outputs in another order have their gradients in it", broken_turned_outputs);
    add("of a gradient of zeros all gradients are zeros", broken_zero_gradient);
    if (of.name == "out_in")
      add("gradients are those of the transposed matrix", broken_transposed_gradients);
    if (!of.biased) add("gradients are those of a layer with a bias", broken_tied_gradients);
    return;
  }
  add("outputs in another order are the same, bit for bit", broken_columns);
  add("the identity gives x", broken_identity);
  add("sums of integers are exact", broken_integers);
  add("weights of zeros give the bias", broken_zero_weights);
  add("f(x + z) + f(0) = f(x) + f(z)", broken_sum);
  if (of.name == "out_in")
    add("y is that of the transposed matrix, bit for bit", broken_transposed);
  if (!of.biased) add("y is that of a bias of zeros", broken_tied);
  if (of.gelu) add("what the GELU is of is the plain layer's, bit for bit", broken_pre);
  if (of.residual) add("a residual of zeros changes nothing", broken_zero_residual);
}

}  // namespace assay::properties
