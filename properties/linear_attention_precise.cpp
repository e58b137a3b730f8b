#include "properties/linear_attention_precise.hpp"

#include "properties/precise.hpp"
#include "properties/values.hpp"
#include "reference/linear_attention.hpp"

#include <algorithm>

namespace assay::properties {
namespace {

using R = reference::mpfr_real<960>;
constexpr double k_u = reference::k_unit_roundoff<R>;

std::vector<R> widened(const std::vector<double>& x) { return {x.begin(), x.end()}; }

std::vector<R> features_of(const std::vector<double>& x) {
  const std::vector<R> wide = widened(x);
  return reference::linear_features(std::span<const R>(wide));
}

// All tensors of a case; of queries and keys the features.
struct precise_tensors {
  std::vector<R> queries, keys, values;

  explicit precise_tensors(const case_inputs& in)
      : queries(features_of(in.values[k_queries])),
        keys(features_of(in.values[k_keys])),
        values(widened(in.values[k_values])) {}
};

// Rows of a head that a query sees.
reference::head_matrix<R> seen_of(const std::vector<R>& tensor, const attention_shape& shape,
                                  const seen_row& row) {
  const std::int64_t token = shape.heads * shape.width;
  const R* const first =
      tensor.data() + row.at.batch * shape.keys * token + row.at.head * shape.width;
  return reference::head_matrix<R>{first, shape.keys, shape.width, token}.rows(row.range.first,
                                                                               row.range.last);
}

struct precise_row {
  const seen_row& seen;
  reference::head_matrix<R> values;
  std::vector<R> weights, o;
  R total;

  precise_row(const attention_shape& shape, const precise_tensors& all, std::int64_t r,
              const seen_row& row)
      : seen(row), values(seen_of(all.values, shape, row)), total(0) {
    const std::span<const R> query(all.queries.data() + r * shape.width, std::size_t(shape.width));
    weights = reference::linear_weights(query, seen_of(all.keys, shape, row));
    o = reference::weighted_mean(std::span<const R>(weights), values);
    for (const R& each : weights) total = total + each;
  }
  bool is_ordinary() const {
    return reference::kind_of_weights(std::span<const R>(weights)) == reference::row_kind::ordinary;
  }
  // Are all features x + 1, or 1? Then sums of products of numbers of 24 bits have 851 bits at
  // most (from 2^-447 to 2^404), and are exact.
  bool is_rational() const {
    const auto positive = [](std::span<const double> x) {
      return std::all_of(x.begin(), x.end(), [](double each) { return each >= 0; });
    };
    bool all = positive(seen.q);
    for (std::int64_t j = 0; j < seen.keys.count; ++j) all = all && positive(seen.keys.row(j));
    return all;
  }
  // The mean of one value, or a rational one that multiplies back.
  bool is_exact(std::size_t d) const {
    const R& first = values.row(0)[d];
    bool one = true;
    R sum(0);
    for (std::int64_t j = 0; j < values.count; ++j) {
      one = one && values.row(j)[d] == first;
      sum = sum + weights[std::size_t(j)] * values.row(j)[d];
    }
    return one || (is_rational() && R(o[d] * total) == sum);
  }
  // Each weight carries two features' errors and D + 1 roundings, each of the two sums n + 1 more,
  // the quotient one; and a feature below k_least_exponent is off by that exponential.
  R error_of(std::size_t d) const {
    const double n = double(values.count), width = double(seen.q.size());
    const R least = reference::special<R>::exp(R(reference::k_least_exponent<R>));
    R magnitude(0), largest(1);
    for (std::int64_t j = 0; j < values.count; ++j) {
      magnitude = magnitude + R(reference::magnitude(values.row(j)[d]));
      for (const double each : seen.keys.row(j)) largest = std::max(largest, R(std::abs(each) + 1));
    }
    for (const double each : seen.q) largest = std::max(largest, R(std::abs(each) + 1));
    const R lost = least * largest * R(8 * n * width) / total;
    return magnitude * (R(2 * (n + width + 8) * k_u) + lost);
  }
};

std::vector<truth> precise_rows(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  const precise_tensors all(in);
  truth o;
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const seen_row seen = seen_by(of, shape, in, r);
    const precise_row row(shape, all, r, seen);
    for (std::size_t d = 0; d < row.o.size(); ++d) {
      const bool exact = !row.is_ordinary() || !reference::is_finite(row.o[d]) || row.is_exact(d);
      append_precise(o, format_of(in.id.types[k_queries].type), row.o[d],
                     exact ? R(0) : row.error_of(d));
    }
  }
  return {o};
}

}  // namespace

precise_reference precise_linear_attention(const attention_variant& of) {
  return {"MPFR at 960 bits", 289, [of](const case_inputs& in) { return precise_rows(of, in); }};
}

}  // namespace assay::properties
