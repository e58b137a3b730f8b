#include "reference/attention_gradient.hpp"

#include "properties/attention_contract.hpp"
#include "properties/attention_gradient_numerics.hpp"
#include "properties/attention_gradient_precise.hpp"
#include "properties/attention_gradient_properties.hpp"
#include "properties/attention_head.hpp"

namespace assay::properties {
namespace {

truth zeros(std::int64_t count) {
  return {std::vector<double>(std::size_t(count)), std::vector<double>(std::size_t(count)), {}};
}

void place(truth& all, const std::vector<reference::approximation>& from, std::int64_t width,
           const std::function<std::int64_t(std::int64_t)>& row) {
  std::vector<double> value, error;
  for (const reference::approximation& each : from)
    value.push_back(each.value), error.push_back(each.error);
  scatter_rows(all.value, value, width, row);
  scatter_rows(all.error, error, width, row);
}

std::vector<truth> exact_gradients(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  const attention_scale scale = scale_of(in);
  const std::int64_t keys = shape.batch * shape.keys * shape.heads * shape.width;
  std::vector<truth> all{zeros(shape.rows() * shape.width), zeros(keys), zeros(keys)};
  for_each_head(of, in, [&](const attention_head& head) {
    const auto gradients =
        reference::attention_gradient_with_error(head.results, scale.value, scale.error);
    const auto query = [&](std::int64_t r) { return head.row_of_query(r); };
    const auto key = [&](std::int64_t r) { return head.row_of_key(r); };
    place(all[0], gradients.dq, shape.width, query);
    place(all[1], gradients.dk, shape.width, key);
    place(all[2], gradients.dv, shape.width, key);
  });
  return all;
}

}  // namespace

std::vector<contract> attention_gradient_contracts() {
  std::vector<contract> all;
  for (const attention_variant& of : attention_variants()) {
    contract& c = all.emplace_back(attention_contract(of, false));
    c.about =
        "p = e^(scale q k^T - lse), ds = p (do v^T - do.o); dq = scale ds k, dk = scale ds^T q, dv "
        "= p^T do; a query sees " +
        of.sees;
    c.finish_inputs = [of](case_inputs& in) { make_attention_results(of, in); };
    c.exact = [of](const case_inputs& in) { return exact_gradients(of, in); };
    c.precise = precise_attention_gradient(of);
    c.implementations = attention_gradient_implementations(of);
    add_attention_gradient_properties(c, of);
  }
  return all;
}

}  // namespace assay::properties
