#include "properties/gelu_scaled.hpp"

#include "properties/accumulation.hpp"
#include "properties/activation_properties.hpp"
#include "properties/elementwise.hpp"
#include "properties/values.hpp"
#include "reference/gelu.hpp"

#include <cmath>

namespace assay::properties {
namespace {

// Stated errors of the fp32 routines for gelu and its derivative (properties/gelu.cpp).
constexpr double k_gelu_ulps = 1.62, k_slope_ulps = 1.92;

// gelu as a function of an argument that carries a rounding error. Its derivative is monotone but
// for its extremes at -sqrt 2 and sqrt 2.
struct smooth_gelu {
  static double value(double z) { return reference::gelu_erf(z); }
  static double steepest(double low, double high) {
    const auto slope = [](double z) { return std::abs(reference::gelu_erf_derivative(z)); };
    double most = std::max(slope(low), slope(high));
    for (double extreme : {-0x1.6a09e667f3bcdp+0, 0x1.6a09e667f3bcdp+0})
      if (low <= extreme && extreme <= high) most = std::max(most, slope(extreme));
    return most;
  }
};

// gelu', likewise: |gelu''| = |2 - z^2| phi(z) has its extremes at 0 and +-2.
struct smooth_slope {
  static double value(double z) { return reference::gelu_erf_derivative(z); }
  static double steepest(double low, double high) {
    const auto curve = [](double z) { return std::abs(reference::gelu_erf_second_derivative(z)); };
    double most = std::max(curve(low), curve(high));
    for (double extreme : {-2.0, 0.0, 2.0})
      if (low <= extreme && extreme <= high) most = std::max(most, curve(extreme));
    return most;
  }
};

const elementwise_variant k_scaled{
    .component = "gelu",
    .variant = "scaled",
    .formula = "gelu.erf(alpha x)",
    .slope_formula = "dx = dy alpha gelu'(alpha x); dalpha = sum dy x gelu'(alpha x)",
    .function = reference::k_gelu_scaled,
    .slope = reference::k_gelu_scaled_derivative,
    .parameters = {{"alpha", 0.75, "the learnable scale, rounded to fp32"}}};

implementation forward_implementation() {
  implementation it = formula_forward(
      "fused", "the routine of gelu.erf on fl(alpha x)",
      [](const auto& a, auto x, const auto& parameters) {
        return a.apply(smooth_gelu{}, a.mul(a.exact(parameters[0]), x), k_gelu_ulps);
      });
  it.numerics = "alpha x rounded to fp32, fp32 routine, rounded once to the output";
  return it;
}

// The order in which optimized/gelu_scaled.cuh adds up dalpha: 16 bytes at a time by 256 threads,
// each block by warps and a tree, then the blocks by 256 threads, warps and a tree.
order alpha_order(dtype type) {
  const std::int64_t group = 16 / std::int64_t(size_of(type));
  const order warps{{tree{}}};
  const order block{{interleaved{256, group}, in_chunks(32, warps), tree{}}};
  return {{in_chunks(256 * 8 * group, block), interleaved{256, 1}, in_chunks(32, warps), tree{}}};
}

implementation backward_implementation() {
  implementation it;
  it.name = "fused";
  it.about = "the routine of gelu.erf' on fl(alpha x); dalpha in two kernels, without atomics";
  it.numerics = "fp32 products, each rounded; dalpha: " + alpha_order(dtype::fp32).text() +
                " (fp32; 16-bit inputs: groups of 8)";
  it.in_place = true;
  it.model = make_model([](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    const auto alpha = a.exact(in.parameters[0]);
    model_outputs<arithmetic> out(2);
    std::vector<typename arithmetic::value> terms;
    for (std::size_t i = 0; i < in.values[0].size(); ++i) {
      const auto x = a.exact(in.values[0][i]), dy = a.exact(in.values[1][i]);
      const auto slope = a.apply(smooth_slope{}, a.mul(alpha, x), k_slope_ulps);
      out[0].push_back(a.mul(dy, a.mul(alpha, slope)));
      terms.push_back(a.mul(dy, a.mul(x, slope)));
    }
    out[1].push_back(sum(a, alpha_order(in.id.type_of("x")), std::move(terms)));
    return out;
  });
  return it;
}

// sum dy x gelu'(alpha x): each term with the reference's error, added up in twice double's
// precision.
truth exact_alpha_gradient(const case_inputs& in) {
  const reference::elementwise slope =
      reference::k_gelu_scaled_derivative_in_alpha.with(in.parameters[0]);
  std::vector<double> terms;
  double error = 0, magnitude = 0;
  for (std::size_t i = 0; i < in.values[0].size(); ++i) {
    const reference::approximation term =
        reference::approximate(slope, in.values[0][i], in.values[1][i]);
    terms.push_back(term.value);
    error += std::isfinite(term.value) ? term.error : 0;
    magnitude += std::abs(term.value);
  }
  const double n = double(terms.size()), u = 0x1p-53, total = reference::sum2(terms);
  return {{total}, {error + u * std::abs(total) + 2 * n * n * u * u * magnitude}, {}};
}

// Scales far from the default: negative, zero, and such that alpha x rounds in the last place.
void add_scales(contract& c) {
  struct wanted {
    double alpha;
    std::int64_t n;
    distribution_id from;
  };
  const std::vector<wanted> all = {{1.7, 1023, {"tails", {{"low", 4}, {"high", 12}}}},
                                   {-0.75, 2050, {"special", {}}},
                                   {-1.7, 1023, {"normal", {}}},
                                   {0, 513, {"exact", {}}}};
  std::uint64_t seed = 101;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted& each : all) {
      case_id id = elementwise_case(c, types, each.n, each.from, seed++);
      id.shape.back().value = each.alpha;
      c.cases.push_back(std::move(id));
    }
}

// A sum over every exponent there is overflows, and then fp32 promises nothing: dalpha's terms are
// at most 2^108 |dy| |gelu'| < 2^108 2^4 2 (the generator's normal values end below sqrt(2 60 ln 2)
// < 2^4), and less than 2^13 of them, with their roundings, stay below 2^127.
void bound_exponents(contract& c) {
  for (case_id& id : c.cases)
    if (id.distribution.name == "wide") id.distribution.parameters = {{"below", 108}};
}

}  // namespace

std::vector<contract> gelu_scaled_contracts() {
  contract forward = forward_contract(k_scaled), backward = backward_contract(k_scaled);
  forward.implementations = {forward_implementation()};
  backward.implementations = {backward_implementation()};
  backward.outputs.push_back({"dalpha", {}});
  for (std::vector<dtype>& types : backward.signatures) types.push_back(dtype::fp32);
  backward.exact = [dx = backward.exact](const case_inputs& in) {
    std::vector<truth> all = dx(in);
    all.push_back(exact_alpha_gradient(in));
    return all;
  };
  backward.policies = [] { return std::vector<comparison_policy>{{}, {.zero_sign = false}}; };
  backward.cost_of = [dx = backward.cost_of](const case_id& id) {
    cost both = dx(id);
    both.bytes += 4;  // dalpha
    return both;
  };
  backward.cases = elementwise_cases(backward);
  bound_exponents(backward);
  for (contract* c : {&forward, &backward}) add_scales(*c);
  backward.decoy_case = elementwise_decoy_case(backward);
  forward.properties.push_back(unscaled_is("erf"));
  backward.properties.push_back(unscaled_is("erf"));
  return {forward, backward};
}

}  // namespace assay::properties
