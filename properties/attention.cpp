#include "reference/attention.hpp"

#include "properties/attention_contract.hpp"
#include "properties/attention_map.hpp"
#include "properties/attention_numerics.hpp"
#include "properties/attention_precise.hpp"
#include "properties/attention_properties.hpp"
#include "properties/attention_shape.hpp"

#include <fmt/format.h>

namespace assay::properties {

std::vector<truth> exact_attention(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  const attention_scale scale = scale_of(in);
  truth o, lse;
  lse.value.resize(std::size_t(shape.rows()));
  lse.error.resize(lse.value.size());
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const seen_row row = seen_by(of, shape, in, r);
    const auto seen = reference::attend_with_error(row.q, row.keys, row.values, scale.value,
                                                   scale.error, row.bias);
    for (const reference::approximation& each : seen.o) {
      o.value.push_back(each.value);
      o.error.push_back(each.error);
    }
    lse.value[std::size_t(shape.lse_at(row.at))] = seen.lse.value;
    lse.error[std::size_t(shape.lse_at(row.at))] = seen.lse.error;
  }
  return {o, lse};
}

std::vector<contract> attention_contracts() {
  std::vector<contract> all;
  for (const attention_variant& of : attention_variants()) {
    contract& c = all.emplace_back(attention_contract(of, true));
    const std::string scores = std::string("scale q k^T") + of.added;
    c.about =
        fmt::format("o = softmax({0}) v, lse = log sum e^({0}); a query sees {1}", scores, of.sees);
    c.exact = [of](const case_inputs& in) { return exact_attention(of, in); };
    c.precise = precise_attention(of);
    c.map = attention_map(of);
    c.implementations = attention_implementations(of);
    add_attention_properties(c, of);
  }
  return all;
}

}  // namespace assay::properties
