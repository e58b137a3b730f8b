#include "properties/attention_precise.hpp"

#include "properties/precise.hpp"
#include "properties/values.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

using R = reference::mpfr_real<960>;
constexpr double k_u = reference::k_unit_roundoff<R>;

std::vector<R> widened(const reference::head_matrix<double>& rows) {
  std::vector<R> all;
  for (std::int64_t j = 0; j < rows.count; ++j)
    for (const double each : rows.row(j)) all.emplace_back(each);
  return all;
}

// A row, its scores, and where results are rational: a mean of equal weights, which multiplies
// back, or of one value; a single score with a scale that is exact.
struct precise_row {
  const seen_row& seen;
  std::vector<R> keys, values, bias, scores;
  reference::attended<R> result;

  precise_row(const seen_row& row, const R& scale)
      : seen(row),
        keys(widened(row.keys)),
        values(widened(row.values)),
        bias(row.bias.begin(), row.bias.end()) {
    const std::vector<R> q(row.q.begin(), row.q.end());
    const std::int64_t width = row.keys.width;
    const reference::head_matrix<R> k{keys.data(), row.keys.count, width, width},
        v{values.data(), row.values.count, width, width};
    scores = reference::attention_scores(std::span<const R>(q), k, scale, std::span<const R>(bias));
    result = reference::attend_by(std::span<const R>(scores), v);
  }
  bool has_equal_weights() const {
    return std::all_of(scores.begin(), scores.end(), [&](const R& s) {
      return s == scores[0] || s == R(-reference::k_infinity);
    });
  }
  bool is_exact(std::size_t d) const {
    const R& first = values[d];  // of a key that is there, as the first always is
    R sum(0);
    bool one = true;
    for (std::int64_t j = 0; j < seen.values.count; ++j) {
      if (!seen.is_there(j)) continue;
      const R& v = values[std::size_t(j * seen.values.width) + d];
      sum = sum + v;
      one = one && v == first;
    }
    return one || (has_equal_weights() && R(result.o[d] * R(double(seen.count()))) == sum);
  }
  // Products of 24 bits each and their sums are exact; a score rounds twice, an exponent once, and
  // e^t carries |t| u of each: 3000 u covers |t| < 900, beyond which nothing is left of a weight
  // (2^-960 of the largest). Weights, their sum and the quotient: n + 4 roundings.
  R error_of(std::size_t d) const {
    R magnitude(0);
    for (std::int64_t j = 0; j < seen.values.count; ++j)
      if (seen.is_there(j))
        magnitude =
            magnitude + R(reference::magnitude(values[std::size_t(j * seen.values.width) + d]));
    return magnitude * R((3000 + double(seen.values.count)) * k_u);
  }
};

void append_row(truth& o, truth& lse, std::size_t lse_at, const precise_row& row,
                const reference::format& out, bool scale_is_exact) {
  const bool ordinary = reference::is_finite(row.result.lse);
  for (std::size_t d = 0; d < row.result.o.size(); ++d) {
    const R& each = row.result.o[d];
    const bool exact = !ordinary || !reference::is_finite(each) || row.is_exact(d);
    append_precise(o, out, each, exact ? R(0) : row.error_of(d));
  }
  truth one;
  const bool exact = !ordinary || (row.scores.size() == 1 && scale_is_exact);
  append_precise(one, format_of(dtype::fp32), row.result.lse,
                 exact ? R(0)
                       : R((R(reference::magnitude(row.result.lse)) + R(3000)) *
                           R((10 + double(row.scores.size())) * k_u)));
  lse.value[lse_at] = one.value[0];
  lse.rounded[lse_at] = one.rounded[0];
  lse.error[lse_at] = one.error[0];
}

std::vector<truth> precise_rows(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  const R scale = precise_scale(in);
  const bool scale_is_exact = scale_of(in).error == 0;
  truth o, lse;
  for (auto* each : {&lse.value, &lse.rounded, &lse.error}) each->resize(std::size_t(shape.rows()));
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const seen_row row = seen_by(of, shape, in, r);
    append_row(o, lse, std::size_t(shape.lse_at(row.at)), precise_row(row, scale),
               format_of(in.id.types[k_queries].type), scale_is_exact);
  }
  return {o, lse};
}

}  // namespace

reference::mpfr_real<960> precise_scale(const case_inputs& in) {
  if (in.parameters[0] != 0) return R(in.parameters[0]);
  return R(1) / reference::special<R>::sqrt(R(double(in.id.dimension("d"))));
}

precise_reference precise_attention(const attention_variant& of) {
  return {"MPFR at 960 bits", 289, [of](const case_inputs& in) { return precise_rows(of, in); }};
}

}  // namespace assay::properties
