// addition.pair.fwd: y = a + b, as gradients are that come by two ways.

#include "reference/addition.hpp"

#include "properties/activation_properties.hpp"
#include "properties/elementwise.hpp"
#include "properties/property.hpp"
#include "properties/values.hpp"

namespace assay::properties {
namespace {

std::vector<truth> exact_sums(const case_inputs& in) {
  const reference::format out = format_of(in.id.type_of("y"));
  truth all;
  for (std::size_t i = 0; i < in.values[0].size(); ++i) {
    const auto sum = reference::addition(in.values[0][i], in.values[1][i]);
    const reference::approximation nearest = reference::to_double(sum);
    all.value.push_back(nearest.value);
    all.error.push_back(std::isnan(nearest.value) ? 0 : nearest.error);
    all.rounded.push_back(*reference::round_if_certain(out, sum));
  }
  return {all};
}

implementation vector_of_words() {
  implementation it;
  it.name = "vector";
  it.about = "a thread 64 bytes of each array, by words of 16";
  it.numerics = "the sum rounded to fp32, then to the output";
  it.in_place = true;
  it.model = make_model([](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    model_outputs<arithmetic> y(1);
    for (std::size_t i = 0; i < in.values[0].size(); ++i)
      y[0].push_back(a.add(arithmetic::exact(in.values[0][i]), arithmetic::exact(in.values[1][i])));
    return y;
  });
  return it;
}

std::string broken_order(const subject& s) {
  case_inputs turned = s.inputs();
  std::swap(turned.values[0], turned.values[1]);
  return unlike(s.outputs(), s.outputs(turned));
}

// x + 0, both signs, and x - x where x is finite.
std::string broken_zero(const subject& s) {
  const std::vector<double> x = s.inputs().values[0];
  const auto plus = [&](const std::function<double(double)>& what) {
    case_inputs other = s.inputs();
    for (std::size_t i = 0; i < x.size(); ++i) other.values[1][i] = what(x[i]);
    return s.outputs(other)[0].got;
  };
  const std::vector<double> minus_zero = plus([](double) { return -0.0; }),
                            opposite = plus([](double each) { return -each; });
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!reference::same(minus_zero[i], x[i]))
      return "x + (-0) is not x at element " + std::to_string(i);
    if (std::isfinite(x[i]) && !reference::same(opposite[i], 0))
      return "x - x is not +0 at element " + std::to_string(i);
  }
  return {};
}

}  // namespace

std::vector<contract> addition_contracts() {
  contract c;
  c.component = "addition";
  c.variant = "pair";
  c.direction = "fwd";
  c.about = "a + b";
  c.dimensions = {"n"};
  c.inputs = {{"a", {"n"}}, {"b", {"n"}}};
  c.outputs = {{"y", {"n"}}};
  for (const dtype t : {dtype::fp32, dtype::bf16, dtype::fp16}) c.signatures.push_back({t, t, t});
  c.exact = exact_sums;
  c.precise = {"a sum as two doubles, without error", 32, exact_sums};
  c.implementations = {vector_of_words()};
  c.cost_of = elementwise_cost(3, 1);
  c.cases = elementwise_cases(c);
  c.decoy_case = c.timed_case = elementwise_decoy_case(c);
  // Of numbers of one size sums of 16 bits are often ties, which both neighbours are right for.
  c.decoy_case.distribution = {"wide", {}};
  c.properties = {batch_invariance(),
                  {"a + b = b + a, bit for bit", broken_order},
                  {"x + (-0) = x and x - x = +0", broken_zero}};
  return {c};
}

}  // namespace assay::properties
