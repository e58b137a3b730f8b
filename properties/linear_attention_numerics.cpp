#include "properties/linear_attention_numerics.hpp"

#include "properties/linear_attention_model.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

// Of the elements of a query, or of keys or values: what counts for a promise.
struct extremes {
  double least = reference::k_infinity, most = -reference::k_infinity, largest = 0;  // |x|, finite
  bool nan = false, finite = true;

  void take(std::span<const double> x) {
    for (const double each : x) {
      nan = nan || std::isnan(each);
      finite = finite && std::isfinite(each);
      least = std::min(least, each);
      most = std::max(most, each);
      if (std::isfinite(each)) largest = std::max(largest, std::abs(each));
    }
  }
};

extremes of_rows(const reference::head_matrix<double>& rows) {
  extremes all;
  for (std::int64_t j = 0; j < rows.count; ++j) all.take(rows.row(j));
  return all;
}

// Does some product of a query's feature and a key's come to e^-40 = 2^-57.7 or more? Then what
// underflow takes from the sum of all weights (of a feature or a sum of them 2^-148, times features
// up to 2^40, in at most 2^30 products) is less than 2^-20 of it, and the mean is one.
bool has_weight_in_reach(const seen_row& row) {
  for (std::int64_t j = 0; j < row.keys.count; ++j)
    for (std::size_t d = 0; d < row.q.size(); ++d)
      if (row.q[d] >= -20 && row.keys.row(j)[d] >= -20) return true;
  return false;
}

// A NaN or +infinity in a query or in a key that it sees makes its row NaN in any arithmetic: the
// sum of its weights is infinite or NaN, and so is that of its products. Else features are to be
// 2^40 at most, and no sum of theirs beyond 2^120; and what is not finite among the values must
// meet no feature or weight that vanishes, 0 times infinity being NaN: features of e^-40 at least,
// products of two of 2^-116.
bool is_promised(const seen_row& row) {
  if (row.keys.count == 0) return true;
  extremes q;
  q.take(row.q);
  const extremes k = of_rows(row.keys), v = of_rows(row.values);
  const double inf = reference::k_infinity;
  if (q.nan || k.nan || q.most == inf || k.most == inf) return true;
  const double query = std::max(q.most, 0.0) + 1, key = std::max(k.most, 0.0) + 1;
  const double terms = double(row.keys.count) * double(row.q.size());
  if (!(query <= 0x1p40 && key <= 0x1p40 && terms <= 0x1p30)) return false;
  if (!has_weight_in_reach(row)) return false;
  if (!(query * key * terms * std::max(v.largest, 1.0) <= 0x1p120)) return false;
  return v.finite || (q.least >= -40 && k.least >= -40);
}

std::vector<bool> promised(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  std::vector<bool> all;
  for (std::int64_t r = 0; r < shape.rows(); ++r)
    all.insert(all.end(), std::size_t(shape.width), is_promised(seen_by(of, shape, in, r)));
  return all;
}

// The keys in the state when a query of the tile that begins at `first` is answered.
std::int64_t keys_in_state(const attention_variant& of, const attention_shape& shape,
                           std::int64_t first) {
  if (!of.causal) return shape.keys;
  return std::max<std::int64_t>(first + shape.keys - shape.queries, 0);
}

// All queries of one head of keys, whose rows stand in `out` in the order of o.
template <class Arithmetic>
void answer_head(const Arithmetic& a, const attention_variant& of, linear_algorithm kind,
                 const case_inputs& in, attention_row at,
                 std::vector<typename Arithmetic::value>& out) {
  const attention_shape shape = attention_shape::of(in.id);
  linear_attention_arithmetic<Arithmetic> head(a, shape.head(in.values[k_keys], at),
                                               shape.head(in.values[k_values], at));
  for (std::int64_t i = 0; i < shape.queries; ++i) {
    const std::int64_t first = i - i % k_linear_tile;
    if (kind == linear_algorithm::chunked && i == first)
      head.absorb(keys_in_state(of, shape, first));
    for (std::int64_t g = 0; g < shape.group; ++g) {
      const std::int64_t r =
          ((at.batch * shape.queries + i) * shape.heads + at.head) * shape.group + g;
      const seen_row row = seen_by(of, shape, in, r);
      if (row.range.last == 0) continue;  // it sees nothing
      const auto query = head.features(row.q);
      const auto o = kind == linear_algorithm::quadratic
                         ? head.by_weights(query, row.range.last)
                         : head.by_state(query, first + shape.keys - shape.queries, row.range.last);
      std::copy(o.begin(), o.end(), out.begin() + r * shape.width);
    }
  }
}

std::shared_ptr<const rounding_model> model_of(const attention_variant& of, linear_algorithm kind) {
  return make_model([of, kind](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    const attention_shape shape = attention_shape::of(in.id);
    model_outputs<arithmetic> out(1);
    out[0].assign(std::size_t(shape.rows() * shape.width), arithmetic::exact(0));
    for (attention_row at; at.batch < shape.batch; ++at.batch)
      for (at.head = 0; at.head < shape.heads; ++at.head) answer_head(a, of, kind, in, at, out[0]);
    return out;
  });
}

// Bytes of the quadratic kernels: a query and a key for every pair that is seen, and its weight,
// written; weight and value for every pair and column; the results.
double quadratic_traffic(const attention_variant& of, const case_id& id) {
  const attention_shape shape = attention_shape::of(id);
  const double size = double(size_of(id.types[0].type)), width = double(shape.width);
  double pairs = 0;
  for (std::int64_t i = 0; i < shape.queries; ++i)
    pairs += double(mask_of(of, {}, 0).seen(i, shape.queries, shape.keys).count());
  pairs *= double(shape.batch * shape.heads * shape.group);
  return pairs * (2 * width * size + 4 + width * (4 + size)) + double(shape.rows()) * width * size;
}

}  // namespace

std::vector<implementation> linear_attention_implementations(const attention_variant& of) {
  implementation quadratic;
  quadratic.name = "quadratic";
  quadratic.about = "the weights of all pairs, and the means by them";
  quadratic.numerics =
      "fp32: features by exp, or 1 added; weights and products with values by fused multiply-adds "
      "in order, the sum of the weights in order; a quotient";
  quadratic.model = model_of(of, linear_algorithm::quadratic);
  quadratic.traffic = [of](const case_id& id) { return quadratic_traffic(of, id); };
  implementation chunked;
  chunked.name = "chunked";
  chunked.about =
      "a state of keys times values that every query asks; tiles of 32 keys and queries";
  chunked.numerics =
      "fp32: features by exp, or 1 added; the state, its product with a query, then the tile's "
      "weights and values, by fused multiply-adds in order; the sum of the weights by 32 lanes, "
      "then halves; a quotient";
  chunked.model = model_of(of, linear_algorithm::chunked);
  chunked.declines = [](const case_id& id) {
    return std::string(id.dimension("d") > 128 ? "takes heads of 128 at most" : "");
  };
  std::vector<implementation> all = {quadratic, chunked};
  for (implementation& each : all) {
    each.promises = [of](const case_inputs& in, std::size_t) { return promised(of, in); };
    each.domain_text =
        "rows with an element of -20 or more where one of at most 2^30 / d keys that they see has "
        "one; features to 2^40, sums of products with values to 2^120; values that are not finite "
        "where queries and keys are -40 or more";
  }
  return all;
}

}  // namespace assay::properties
