#include "properties/elementwise.hpp"

#include "properties/activation_properties.hpp"
#include "properties/bad_input.hpp"
#include "properties/precise.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

namespace assay::properties {
namespace {

constexpr dtype k_types[] = {dtype::fp32, dtype::bf16, dtype::fp16};

reference::elementwise with_parameters(const reference::elementwise& f,
                                       const std::vector<double>& parameters) {
  return parameters.empty() ? f : f.with(parameters[0]);
}

// f(x) dy for every element, rounded and unrounded; dy is 1 where there is no gradient.
truth exact_products(const reference::elementwise& f, const case_inputs& in, dtype type,
                     bool selects_gradient) {
  const reference::format format = format_of(type);
  truth all;
  for (std::size_t i = 0; i < in.values[0].size(); ++i) {
    const double x = in.values[0][i], dy = in.values.size() > 1 ? in.values[1][i] : 1;
    reference::truth t{};
    if (std::isfinite(dy) || selects_gradient)
      t = reference::truth_of(f, format, x, dy);
    else
      t.value = t.rounded = dy * reference::correctly_rounded(f, reference::k_fp32, x);
    all.value.push_back(t.value);
    all.error.push_back(t.error);
    all.rounded.push_back(t.rounded);
  }
  return all;
}

// The same from MPFR: what is not exact in double, and finite. A magnitude below k_vanished
// becomes a zero with its sign.
truth precise_products(const reference::elementwise& f, const case_inputs& in, dtype type,
                       bool selects_gradient) {
  truth all = exact_products(f, in, type, selects_gradient);
  for (std::size_t i = 0; i < all.value.size(); ++i) {
    const double x = in.values[0][i], dy = in.values.size() > 1 ? in.values[1][i] : 1;
    if (all.error[i] == 0 || !std::isfinite(all.value[i]) || !std::isfinite(dy)) continue;
    const reference::truth t = f.settle(format_of(type), x, f.parameter, dy);
    const bool vanished = std::abs(t.value) + t.error < k_vanished;
    all.rounded[i] = t.rounded;
    all.value[i] = vanished ? std::copysign(0, t.value) : t.value;
    all.error[i] = vanished ? k_vanished : t.error;
  }
  return all;
}

precise_reference precisely(const reference::elementwise& function, bool selects_gradient) {
  return {"MPFR at 120 bits, 240, 480 or 960 where it takes them to round", 36,
          [function, selects_gradient](const case_inputs& in) {
            const dtype type = in.id.types[in.values.size()].type;
            return std::vector{precise_products(with_parameters(function, in.parameters), in, type,
                                                selects_gradient)};
          }};
}

contract common_contract(const elementwise_variant& of, std::string direction) {
  contract c;
  c.component = of.component;
  c.variant = of.variant;
  c.direction = std::move(direction);
  c.dimensions = {"n"};
  c.parameters = of.parameters;
  return c;
}

routine_error error_for(const std::vector<routine_error>& errors, dtype type) {
  for (const routine_error& each : errors)
    if (each.type == type) return each;
  throw bad_input("the implementation states no error for {}", name_of(type));
}

void state(implementation& it, const std::vector<routine_error>& errors) {
  it.routine = errors;
  for (const routine_error& each : errors) {
    // One more rounding takes an fp32 result with an error of e fp32 ULPs to 1/2 + 2^(p-24) e ULPs.
    const int coarser = 24 - format_of(each.type).precision;
    const double ulps = coarser == 0 ? each.fp32_ulps : 0.5 + std::ldexp(each.fp32_ulps, -coarser);
    it.stated.push_back({each.type, each.misrounded == 0 ? 0.5 : ulps, each.misrounded});
  }
}

}  // namespace

namespace detail {
implementation in_fp32(std::string name, std::string about, std::string numerics) {
  implementation it;
  it.name = std::move(name);
  it.about = std::move(about);
  it.numerics = std::move(numerics);
  it.in_place = true;
  return it;
}
}  // namespace detail

contract forward_contract(const elementwise_variant& of) {
  contract c = common_contract(of, "fwd");
  c.about = of.formula;
  c.inputs = {{"x", {"n"}}};
  c.outputs = {{"y", {"n"}}};
  for (dtype t : k_types) c.signatures.push_back({t, t});
  c.exact = [f = of.function](const case_inputs& in) {
    return std::vector{
        exact_products(with_parameters(f, in.parameters), in, in.id.type_of("y"), false)};
  };
  c.precise = precisely(of.function, false);
  c.elementwise = of.function;
  c.cost_of = elementwise_cost(2, 1);
  c.cases = elementwise_cases(c);
  c.decoy_case = c.timed_case = elementwise_decoy_case(c);
  c.properties = {batch_invariance()};
  if (c.parameters.empty()) c.properties.push_back(values_of_a_gate());
  return c;
}

contract backward_contract(const elementwise_variant& of) {
  contract c = common_contract(of, "bwd");
  c.about = of.slope_formula;
  c.inputs = {{"x", {"n"}}, {"dy", {"n"}, drawn::as_gradient}};
  c.outputs = {{"dx", {"n"}}};
  for (dtype t : k_types) c.signatures.push_back({t, t, t});
  c.exact = [f = of.slope, selects = of.selects_gradient](const case_inputs& in) {
    return std::vector{
        exact_products(with_parameters(f, in.parameters), in, in.id.type_of("dx"), selects)};
  };
  c.precise = precisely(of.slope, of.selects_gradient);
  c.elementwise = of.slope;
  c.cost_of = elementwise_cost(3, 2);
  c.cases = elementwise_cases(c);
  c.decoy_case = c.timed_case = elementwise_decoy_case(c);
  c.properties = {batch_invariance(), linear_in_the_gradient()};
  if (c.parameters.empty()) c.properties.push_back(rising_right_of_zero());
  return c;
}

implementation fused_forward(std::string name, std::string about, const elementwise_variant& of,
                             const std::vector<routine_error>& errors) {
  implementation it = detail::in_fp32(std::move(name), std::move(about),
                                      "fp32 routine, rounded once to the output");
  state(it, errors);
  it.model = make_model([f = of.function, errors](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    const routine_error e = error_for(errors, in.id.type_of("x"));
    const reference::elementwise function = with_parameters(f, in.parameters);
    model_outputs<arithmetic> y(1);
    for (double x : in.values[0])
      y[0].push_back(a.known(reference::approximate(function, x).value, e.fp32_ulps, e.floor));
    return y;
  });
  return it;
}

implementation fused_backward(std::string name, std::string about, const elementwise_variant& of,
                              const std::vector<routine_error>& errors) {
  implementation it =
      detail::in_fp32(std::move(name), std::move(about),
                      "fp32 routine for the derivative, its product with dy rounded to fp32, then "
                      "to the output");
  state(it, errors);
  it.model = make_model([f = of.slope, errors](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    const routine_error e = error_for(errors, in.id.type_of("x"));
    const reference::elementwise slope = with_parameters(f, in.parameters);
    model_outputs<arithmetic> dx(1);
    for (std::size_t i = 0; i < in.values[0].size(); ++i) {
      const auto g =
          a.known(reference::approximate(slope, in.values[0][i]).value, e.fp32_ulps, e.floor);
      dx[0].push_back(a.mul(g, arithmetic::exact(in.values[1][i])));
    }
    return dx;
  });
  return it;
}

std::function<cost(const case_id&)> elementwise_cost(int tensors_touched, double flops_an_element) {
  return [=](const case_id& id) {
    const double n = double(id.dimension("n"));
    return cost{n * tensors_touched * double(size_of(id.types[0].type)), n * flops_an_element};
  };
}

case_id elementwise_case(const contract& c, const std::vector<dtype>& types, std::int64_t n,
                         distribution_id from, std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {{"n", n}}, std::move(from), seed};
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) id.types.push_back({tensor.name, types[at++]});
  for (const parameter_spec& parameter : c.parameters)
    id.shape.push_back({parameter.name, parameter.otherwise});
  return id;
}

case_id elementwise_decoy_case(const contract& c) {
  return elementwise_case(c, c.signatures.front(), 1023, {"normal", {}}, 1);
}

std::vector<case_id> elementwise_cases(const contract& c) {
  // Bytes that every array is aligned to: to its elements only, so that they are misaligned against
  // each other; to 8, so that they share their misalignment; as allocated.
  constexpr std::int64_t k_element = 1, k_shared = 8, k_whole = 256;
  struct wanted {
    std::int64_t n;
    distribution_id from;
    std::int64_t align = k_whole;
    bool in_place = false;
  };
  const std::vector<wanted> all = {
      {0, {"normal", {}}},
      {1, {"normal", {}}},
      {7, {"special", {}}, k_element},
      {1023, {"tails", {}}, k_element},
      {4096, {"normal", {}}},
      {4099, {"wide", {}}, k_whole, true},
      {2050, {"special", {}}},
      {1000, {"constant", {{"value", -0.75}}}, k_element, true},
      {513, {"exact", {}}},
      {65536, {"patterns", {}}},
      {1, {"tails", {}}, k_shared},
      {3, {"normal", {}}, k_shared, true},
      {1023, {"normal", {}}, k_shared, true},
      {4099, {"tails", {}}, k_shared},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted& each : all) {
      case_id id = elementwise_case(c, types, each.n, each.from, seed++);
      const std::int64_t element = std::int64_t(size_of(types[0]));
      fields layout;
      if (each.align != k_whole) layout.push_back({"align", std::max(each.align, element)});
      if (each.in_place) layout.push_back({"inplace", 1});
      id.shape.insert(id.shape.begin() + 1, layout.begin(), layout.end());
      cases.push_back(std::move(id));
    }
  return cases;
}

}  // namespace assay::properties
