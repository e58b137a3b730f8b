#include "properties/linear_properties.hpp"

#include "properties/linear_gradient_properties.hpp"
#include "properties/linear_relations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

using namespace linear_relations;

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

}  // namespace

void add_linear_properties(contract& c, const linear_variant& of, bool forward) {
  const auto add = [&](const char* statement, auto broken) {
    c.properties.push_back({statement, broken});
  };
  add("a row's outputs do not know how many others there are, bit for bit", broken_rows);
  add("every implementation agrees with the naive one", broken_by_implementation);
  if (!forward) return add_gradient_properties(c, of);
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
