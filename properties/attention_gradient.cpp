#include "reference/attention_gradient.hpp"

#include "properties/attention_contract.hpp"
#include "properties/attention_gradient_numerics.hpp"
#include "properties/attention_gradient_precise.hpp"
#include "properties/attention_gradient_properties.hpp"
#include "properties/attention_head.hpp"

namespace assay::properties {
namespace {

truth truth_of(const std::vector<reference::approximation>& gradient) {
  truth all;
  for (const reference::approximation& each : gradient) {
    all.value.push_back(each.value);
    all.error.push_back(each.error);
  }
  return all;
}

std::vector<truth> exact_gradients(const attention_variant& of, const case_inputs& in) {
  const attention_scale scale = scale_of(in);
  const auto all = gradients_of_heads<reference::approximation>(of, in, [&](const auto& results) {
    return reference::attention_gradient_with_error(results, scale.value, scale.error);
  });
  return {truth_of(all.dq), truth_of(all.dk), truth_of(all.dv)};
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
