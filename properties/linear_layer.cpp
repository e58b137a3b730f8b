#include "properties/linear_layer.hpp"

#include <algorithm>

namespace assay::properties {

using namespace linear_inputs;

const std::vector<linear_variant>& linear_variants() {
  using enum reference::gelu_form;
  static const std::vector<linear_variant> all = {
      {.name = "bias", .formula = "y = x w + b, w as [in, out]", .backward = true},
      {.name = "out_in",
       .formula = "y = x w^T + b, w as [out, in]",
       .turned = true,
       .backward = true},
      {.name = "tied",
       .formula = "y = x w^T, w as [out, in]",
       .turned = true,
       .biased = false,
       .backward = true},
      {.name = "gelu_erf", .formula = "pre = x w + b, y = gelu.erf(pre)", .gelu = erf},
      {.name = "gelu_tanh", .formula = "pre = x w + b, y = gelu.tanh(pre)", .gelu = tanh},
      {.name = "residual", .formula = "y = r + (x w + b)", .residual = true}};
  return all;
}

const linear_variant& linear_variant_of(const case_id& id) {
  const auto& all = linear_variants();
  return *std::find_if(all.begin(), all.end(),
                       [&](const linear_variant& each) { return each.name == id.variant; });
}

namespace {

reference::matrix_view<double> matrix_in(const case_inputs& in, std::size_t tensor,
                                         std::int64_t rows, std::int64_t columns) {
  return reference::matrix_of(std::span<const double>(in.values[tensor]), rows, columns);
}

}  // namespace

std::vector<linear_sums> sums_of(const linear_variant& of, const case_inputs& in) {
  const linear_shape shape = linear_shape::of(in.id);
  const auto x = matrix_in(in, k_x, shape.rows, shape.in);
  const auto w = of.turned ? matrix_in(in, k_w, shape.out, shape.in).transposed()
                           : matrix_in(in, k_w, shape.in, shape.out);
  if (is_forward(in.id)) {
    linear_sums y{x, w};
    if (of.biased) y.row = in.values[k_b];
    if (of.residual) y.all = in.values[k_r];
    return {y};
  }
  const auto dy = matrix_in(in, k_dy, shape.rows, shape.out);
  std::vector<linear_sums> all = {
      {dy, w.transposed()},
      of.turned ? linear_sums{dy.transposed(), x} : linear_sums{x.transposed(), dy}};
  static constexpr double k_one = 1;  // a row of them: steps of 0
  if (of.biased) all.push_back({{&k_one, 1, shape.rows, 0, 0}, dy, {}, {}, true});
  return all;
}

}  // namespace assay::properties
