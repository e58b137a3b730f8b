// What the properties of linear layers turn inputs into, and how they compare what comes out.
#pragma once

#include "properties/attention_relations.hpp"
#include "properties/linear_layer.hpp"
#include "properties/property.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace assay::properties::linear_relations {

using namespace linear_inputs;

inline void set_extent(case_inputs& in, const char* name, std::int64_t extent) {
  for (field& each : in.id.shape)
    if (each.key == name) each.value = extent;
}

// Tensors that have a row for each row of x: inputs, then outputs.
inline std::vector<std::size_t> with_rows(const contract& c) {
  std::vector<std::size_t> all;
  for (std::size_t t = 0; t < c.inputs.size(); ++t)
    if (c.inputs[t].shape.front() == "rows") all.push_back(t);
  return all;
}

// Rows [first, last) of every tensor that has such, as many times.
inline case_inputs with_rows_of(const subject& s, std::int64_t first, std::int64_t last,
                                int times = 1) {
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
inline std::vector<double> turned_outputs(const linear_variant& of, const linear_shape& shape,
                                          const std::vector<double>& w) {
  return of.turned ? turned_rows(w, shape.out, shape.in) : turned_columns(w, shape.out);
}

inline case_inputs coarsened(const case_inputs& in) {
  case_inputs other = in;
  for (std::vector<double>& each : other.values)
    for (double& x : each) x = coarse(x);
  return other;
}

inline bounded_output part_of(const bounded_output& of, std::size_t first, std::size_t last) {
  const auto cut = [&](const std::vector<double>& all) {
    return std::vector<double>(all.begin() + std::ptrdiff_t(first),
                               all.begin() + std::ptrdiff_t(last));
  };
  return {cut(of.got), cut(of.reach)};
}

inline bounded_output changed(const bounded_output& of, const auto& change) {
  return {change(of.got), change(of.reach)};
}

// Empty where each element is what it must be, zeros of either sign.
inline std::string unlike_exactly(const std::vector<double>& got,
                                  const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!(got[i] == expected[i]))
      return fmt::format("element {} is {:a}, not {:a}", i, got[i], expected[i]);
  return {};
}

// What sums of outputs may differ by: their reaches, and the roundings of the sums themselves.
inline double together(std::initializer_list<double> reaches, double sum) {
  double all = std::isfinite(sum) ? 0x1p-50 * std::abs(sum) : 0;
  for (const double each : reaches) all += each;
  return all;
}

// Which output the sums themselves are: of a GELU the one before it.
inline std::size_t plain_output(const subject& s) { return s.of().outputs.size() - 1; }

// The same layer of another variant, with other tensors of its own.
inline case_inputs as_variant(const subject& s, const char* name,
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
inline std::vector<double> weights_by_input(const subject& s) {
  const linear_shape shape = linear_shape::of(s.inputs().id);
  return transposed(s.inputs().values[k_w], shape.out, shape.in);
}

}  // namespace assay::properties::linear_relations
