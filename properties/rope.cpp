#include "reference/rope.hpp"

#include "properties/contract.hpp"
#include "properties/rope_cases.hpp"
#include "properties/rope_heads.hpp"
#include "properties/rope_numerics.hpp"
#include "properties/rope_precise.hpp"
#include "properties/rope_properties.hpp"

namespace assay::properties {
namespace {

std::vector<truth> exact_pairs(const rope_variant& of, bool forward, const case_inputs& in) {
  const rope_heads heads = rope_heads::of(in);
  const reference::rope_rotations& rotations = rotations_of(of, in);
  const std::size_t n = heads.elements();
  truth y{std::vector<double>(n), std::vector<double>(n), {}};
  const auto at = [&](std::int64_t position, std::int64_t j) {
    const auto by = rotations.at(position, j);
    return forward ? by : by.inverse();
  };
  heads.for_each_pair(at, [&](const rope_pair& p, const reference::rope_rotations::bounded& by) {
    const auto both =
        reference::rotated_with_error(by, {in.values[0][p.low], in.values[0][p.high]});
    y.value[p.low] = both.low.value;
    y.error[p.low] = both.low.error;
    y.value[p.high] = both.high.value;
    y.error[p.high] = both.high.error;
  });
  return {y};
}

std::vector<parameter_spec> parameters_of(const rope_variant& of) {
  std::vector<parameter_spec> all = {
      {"offset", 0, "position of the first token", 0, 0x1p24, true},
      {"base", 10000, "of the frequencies, rounded to fp32", 1, 0x1p32}};
  if (of.scaled())
    all.push_back({"scale", 4, "by which the context grows, rounded to fp32", 1, 0x1p16});
  return all;
}

// Rotations of one place are shared by the heads and sequences: those of one sequence stand
// together, those of several are one group.
std::int64_t sharers(const case_id& id) {
  const std::int64_t row = id.dimension("heads") * id.dimension("d");
  return std::max<std::int64_t>(
      id.dimension("batch") == 1 ? row : id.dimension("batch") * id.dimension("t") * row, 1);
}

contract rope_contract(const rope_variant& of, bool forward) {
  contract c;
  c.component = "rope";
  c.variant = of.name;
  c.direction = forward ? "fwd" : "bwd";
  c.about = (forward ? "pairs (x_j, x_(j + d/2)) rotated by p w_j, "
                     : "pairs (dy_j, dy_(j + d/2)) rotated by -p w_j, ") +
            of.formula;
  c.dimensions = {"batch", "t", "heads", "d"};
  c.multiples = {{"d", 2}};
  c.inputs = {{forward ? "x" : "dy", c.dimensions}};
  c.outputs = {{forward ? "y" : "dx", c.dimensions}};
  c.parameters = parameters_of(of);
  for (dtype type : {dtype::fp32, dtype::bf16, dtype::fp16}) c.signatures.push_back({type, type});
  c.exact = [=](const case_inputs& in) { return exact_pairs(of, forward, in); };
  c.precise = precise_rope(of, forward);
  // The sign of a zero that zeros add up to means nothing; at position 0 a property holds it.
  c.policies = [] { return std::vector<comparison_policy>{{.zero_sign = false}}; };
  c.group = [](const case_id& id, std::size_t) { return sharers(id); };
  c.implementations = rope_implementations(of, forward);
  c.cost_of = [](const case_id& id) {
    double n = 1;
    for (const char* each : {"batch", "t", "heads", "d"}) n *= double(id.dimension(each));
    return cost{2 * n * double(size_of(id.types[0].type)), 3 * n};
  };
  c.cases = rope_cases(c);
  c.decoy_case = rope_case(c, c.signatures.front(), {.batch = 2, .t = 4, .heads = 3, .d = 12}, 1);
  c.timed_case = rope_case(c, c.signatures.front(), {.t = 256, .heads = 8, .d = 128}, 1);
  add_rope_properties(c);
  return c;
}

}  // namespace

std::vector<contract> rope_contracts() {
  const std::vector<rope_variant> variants = {
      {"plain", "w_j = base^(-2j/d)", reference::rope_scaling::none},
      {"linear", "w_j = base^(-2j/d) / scale", reference::rope_scaling::linear},
      {"ntk", "w_j = (base scale^(d/(d-2)))^(-2j/d)", reference::rope_scaling::ntk}};
  std::vector<contract> all;
  for (const rope_variant& of : variants)
    for (bool forward : {true, false}) all.push_back(rope_contract(of, forward));
  return all;
}

}  // namespace assay::properties
