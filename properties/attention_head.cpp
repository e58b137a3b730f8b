#include "properties/attention_head.hpp"

#include "properties/ieee_math.hpp"
#include "properties/values.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {

attention_head::attention_head(const attention_variant& of, const case_inputs& in,
                               std::int64_t batch, std::int64_t head)
    : shape_(attention_shape::of(in.id)), batch_(batch), head_(head) {
  const std::int64_t width = shape_.width, rows = shape_.group * shape_.queries;
  const reference::attention_mask mask = mask_of(of, in, batch);
  const auto gather = [&](std::vector<double>& to, const std::vector<double>& from) {
    for (std::int64_t r = 0; r < rows; ++r) {
      const auto begin = from.begin() + row_of_query(r) * width;
      to.insert(to.end(), begin, begin + width);
    }
    return reference::head_matrix<double>{to.data(), rows, width, width};
  };
  for (std::int64_t r = 0; r < rows; ++r) {
    const attention_row at{batch, r % shape_.queries, head, r / shape_.queries};
    lse_.push_back(in.values[of.lse()][std::size_t(shape_.lse_at(at))]);
    seen_.push_back(mask.seen(at.query, shape_.queries, shape_.keys));
    const std::vector<double> bias = biases_of(of, in, at, {0, shape_.keys});
    bias_.insert(bias_.end(), bias.begin(), bias.end());
  }
  const attention_row first{batch, 0, head, 0};
  results = {gather(q_, in.values[k_queries]),
             shape_.head(in.values[k_keys], first),
             shape_.head(in.values[k_values], first),
             gather(o_, in.values[of.o()]),
             gather(grad_, in.values[of.grad()]),
             lse_,
             seen_,
             bias_};
}

std::int64_t attention_head::row_of_query(std::int64_t row) const {
  const std::int64_t query = row % shape_.queries, group = row / shape_.queries;
  return ((batch_ * shape_.queries + query) * shape_.heads + head_) * shape_.group + group;
}
std::int64_t attention_head::row_of_key(std::int64_t key) const {
  return (batch_ * shape_.keys + key) * shape_.heads + head_;
}

void make_attention_results(const attention_variant& of, case_inputs& in) {
  constexpr double k_log2_e = 0x1.71547652b82fep+0;
  const attention_shape shape = attention_shape::of(in.id);
  const double scale = scale_of(in).value;
  const dtype type = in.id.types[of.o()].type;
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const seen_row row = seen_by(of, shape, in, r);
    const std::vector<double> s =
        reference::attention_scores(row.q, row.keys, scale, std::span(row.bias));
    const reference::row_kind kind = reference::kind_of_row(std::span<const double>(s));
    const bool undefined = kind == reference::row_kind::undefined;
    std::vector<double> o(std::size_t(shape.width), undefined ? reference::k_nan : 0);
    double lse = undefined ? reference::k_nan : -reference::k_infinity;
    if (kind == reference::row_kind::ordinary) {
      const double most = *std::max_element(s.begin(), s.end());
      double sum = 0;
      for (std::size_t j = 0; j < s.size(); ++j) {
        if (s[j] == -reference::k_infinity) continue;
        const double e = ieee_exp2(std::max((s[j] - most) * k_log2_e, -1000.0));
        sum += e;
        for (std::size_t d = 0; d < o.size(); ++d) o[d] += e * row.values.row(std::int64_t(j))[d];
      }
      for (double& each : o) each /= sum;
      lse = most + ieee_log(sum);
    }
    for (std::size_t d = 0; d < o.size(); ++d)
      in.values[of.o()][std::size_t(r * shape.width) + d] = round_to(type, o[d]);
    in.values[of.lse()][std::size_t(shape.lse_at(row.at))] = round_to(dtype::fp32, lse);
  }
}

}  // namespace assay::properties
