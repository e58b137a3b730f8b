#include "properties/attention_shape.hpp"

#include "reference/attention_decode.hpp"

#include <cmath>

namespace assay::properties {

attention_shape attention_shape::of(const case_id& id) {
  return {id.dimension("batch"), id.dimension("q"),     id.dimension("k"),
          id.dimension("heads"), id.dimension("group"), id.dimension("d")};
}

attention_row attention_shape::row(std::int64_t r) const {
  attention_row at;
  at.group = r % group, r /= group;
  at.head = r % heads, r /= heads;
  at.query = r % queries;
  at.batch = r / queries;
  return at;
}

std::int64_t attention_shape::lse_at(const attention_row& at) const {
  return ((at.batch * heads + at.head) * group + at.group) * queries + at.query;
}

reference::head_matrix<double> attention_shape::head(const std::vector<double>& tensor,
                                                     const attention_row& at) const {
  return {tensor.data() + (at.batch * keys * heads + at.head) * width, keys, width, heads * width};
}

reference::attention_mask mask_of(const attention_variant& of, const case_inputs& in,
                                  std::int64_t batch) {
  reference::attention_mask mask;
  if (of.causal || of.decode || (of.blocks && in.parameters[1] != 0)) mask.right = 0;
  if (of.window) {
    mask.left = std::int64_t(in.parameters[1]);
    mask.right = std::int64_t(in.parameters[2]);
  }
  if (of.padding) mask.length = std::int64_t(in.values[k_fourth][std::size_t(batch)]);
  return mask;
}

bool is_live(const case_inputs& in, std::int64_t query, std::int64_t key) {
  const std::int64_t keys = in.id.dimension("k"), blocks = (keys + k_live_block - 1) / k_live_block;
  return in.values[k_fourth][std::size_t(query / k_live_block * blocks + key / k_live_block)] != 0;
}

std::vector<double> biases_of(const attention_variant& of, const case_inputs& in,
                              const attention_row& at, const reference::key_range& range) {
  const attention_shape shape = attention_shape::of(in.id);
  const std::int64_t head = at.head * shape.group + at.group,
                     own = at.query + shape.keys - shape.queries;
  std::vector<double> all;
  if (!of.adds() && !of.blocks) return all;
  const std::vector<double>& given = in.values[k_fourth];
  for (std::int64_t j = range.first; j < range.last; ++j) {
    if (of.alibi) all.push_back(-given[std::size_t(head)] * double(own - j));
    if (of.bias)
      all.push_back(given[std::size_t((head * shape.queries + at.query) * shape.keys + j)]);
    if (of.blocks) all.push_back(is_live(in, at.query, j) ? 0 : -reference::k_infinity);
  }
  return all;
}

std::int64_t seen_row::count() const {
  std::int64_t n = 0;
  for (std::int64_t j = 0; j < keys.count; ++j) n += is_there(j);
  return n;
}

std::int64_t keys_of(const attention_variant& of, const case_inputs& in, std::int64_t batch) {
  const std::int64_t keys = in.id.dimension("k");
  if (!of.decode) return keys;
  return reference::cached_keys(std::int64_t(in.values[k_fourth][std::size_t(batch)]), keys);
}

seen_row seen_by(const attention_variant& of, const attention_shape& shape, const case_inputs& in,
                 std::int64_t r) {
  seen_row row;
  row.at = shape.row(r);
  const std::int64_t keys = keys_of(of, in, row.at.batch);
  row.range = mask_of(of, in, row.at.batch).seen(row.at.query, shape.queries, keys);
  row.bias = biases_of(of, in, row.at, row.range);
  // Nothing beyond the keys that are there.
  while (row.range.count() > 0 && !row.is_there(row.range.count() - 1))
    --row.range.last, row.bias.pop_back();
  std::int64_t gone = 0;
  while (gone < row.range.count() && !row.is_there(gone)) ++gone;
  row.range.first += gone;
  row.bias.erase(row.bias.begin(), row.bias.begin() + gone);
  row.q = shape.query(in, r);
  row.keys = shape.head(in.values[k_keys], row.at).rows(row.range.first, row.range.last);
  row.values = shape.head(in.values[k_values], row.at).rows(row.range.first, row.range.last);
  return row;
}

attention_scale scale_of(const case_inputs& in) {
  if (in.parameters[0] != 0) return {in.parameters[0], 0};
  // A square root and a quotient.
  const double width = double(in.id.dimension("d")), value = 1 / std::sqrt(width);
  int exponent = 0;
  const bool power_of_four = std::frexp(width, &exponent) == 0.5 && exponent % 2 == 1;
  return {value, power_of_four ? 0 : 2 * 0x1p-53};
}

}  // namespace assay::properties
