#include "properties/gelu_scaled.hpp"

#include "optimized/math/accuracy.hpp"
#include "properties/accumulation.hpp"
#include "properties/activation_properties.hpp"
#include "properties/elementwise.hpp"
#include "properties/precise.hpp"
#include "properties/values.hpp"
#include "reference/gelu.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

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

// From here on the routines' results no longer depend on how large alpha x is: gelu is alpha x
// itself or -0, gelu' is 1 or -0. So neither do they where fl(alpha x) overflows.
constexpr double k_far = 0x1p64;

// fl(alpha x) as an argument of the routine for gelu'.
template <class Arithmetic>
auto scaled_argument(const Arithmetic& a, double alpha, double x) {
  const double z = alpha * x;  // exact
  if (std::abs(z) > k_far) return a.exact(std::copysign(reference::k_infinity, z));
  return a.mul(a.exact(alpha), a.exact(x));
}

template <class Arithmetic>
auto scaled_gelu(const Arithmetic& a, double alpha, double x) {
  if (alpha * x > k_far) return a.mul(a.exact(alpha), a.exact(x));
  return a.apply(smooth_gelu{}, scaled_argument(a, alpha, x), optimized::k_gelu_erf_ulps);
}

const elementwise_variant k_scaled{
    .component = "gelu",
    .variant = "scaled",
    .formula = "gelu.erf(alpha x)",
    .slope_formula = "dx = dy alpha gelu'(alpha x); dalpha = sum dy x gelu'(alpha x)",
    .function = reference::k_gelu_scaled,
    .slope = reference::k_gelu_scaled_derivative,
    .parameters = {{"alpha", 0.75, "the learnable scale, rounded to fp32"}}};

implementation forward_implementation() {
  implementation it;
  it.name = "fused";
  it.about = "the routine of gelu.erf on fl(alpha x)";
  it.numerics = "alpha x rounded to fp32, fp32 routine, rounded once to the output";
  it.in_place = true;
  // At the default alpha, whose two bits make ties of many products (optimized/math/README.md).
  it.stated = {{dtype::bf16, 0.5001, 6892}, {dtype::fp16, 0.5002, 2253}};
  it.model = make_model([](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    model_outputs<arithmetic> y(1);
    for (double x : in.values[0]) y[0].push_back(scaled_gelu(a, in.parameters[0], x));
    return y;
  });
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
  it.stated = {{dtype::bf16, 0.5, 0}, {dtype::fp16, 0.5002, 5}};
  it.model = make_model([](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    const double alpha = in.parameters[0];
    model_outputs<arithmetic> out(2);
    std::vector<typename arithmetic::value> terms;
    for (std::size_t i = 0; i < in.values[0].size(); ++i) {
      const double x = in.values[0][i];
      const auto dy = a.exact(in.values[1][i]);
      const auto slope = a.apply(smooth_slope{}, scaled_argument(a, alpha, x),
                                 optimized::k_gelu_erf_derivative_ulps);
      const bool vanishes = std::isinf(x) && alpha * x < 0;  // the kernel selects 0 for it
      out[0].push_back(a.mul(dy, a.mul(a.exact(alpha), slope)));
      terms.push_back(a.mul(dy, vanishes ? a.exact(0) : a.mul(a.exact(x), slope)));
    }
    out[1].push_back(sum(a, alpha_order(in.id.type_of("x")), std::move(terms)));
    return out;
  });
  return it;
}

// dy x gelu'(alpha x), of which fp32 has the second factor: what an infinite gradient meets
// (reference/README.md, Special values).
double product_in_fp32(double alpha, double x, double dy) {
  const double slope =
      reference::correctly_rounded(reference::k_gelu_erf_derivative, reference::k_fp32, alpha * x);
  return dy * (slope == 0 ? 0 : reference::round(reference::k_fp32, x * slope));
}

// The cases of every element-wise function, and those in which the scale matters: alpha x that
// overflows, of either sign, that underflows, and that is zero.
std::vector<case_id> scaled_cases(const contract& c) {
  std::vector<case_id> all = elementwise_cases(c);
  for (const case_id& id : elementwise_cases(c)) {
    const std::string& from = id.distribution.name;
    if (from != "special" && from != "patterns") continue;
    for (float alpha : {1.702f, -1.702f, 4.0f, 0.0f, 0x1p-130f}) {
      all.push_back(id);
      if (from == "patterns" && size_of(id.types[0].type) > 2) all.back().shape[0].value = 4096;
      for (field& each : all.back().shape)
        if (each.key == "alpha") each.value = double(alpha);
    }
  }
  return all;
}

// sum dy x gelu'(alpha x): each term with the reference's error, added up in twice double's
// precision; the plain sum where a term is infinite or no number.
truth exact_alpha_gradient(const case_inputs& in) {
  const reference::elementwise slope =
      reference::k_gelu_scaled_derivative_in_alpha.with(in.parameters[0]);
  std::vector<double> terms;
  double error = 0, magnitude = 0;
  for (std::size_t i = 0; i < in.values[0].size(); ++i) {
    const double x = in.values[0][i], dy = in.values[1][i];
    if (!std::isfinite(dy)) {
      terms.push_back(product_in_fp32(in.parameters[0], x, dy));
      continue;
    }
    const reference::approximation term = reference::approximate(slope, x, dy);
    terms.push_back(term.value);
    error += term.error;
    magnitude += std::abs(term.value);
  }
  const double n = double(terms.size()), u = 0x1p-53, total = reference::sum2(terms);
  if (!std::isfinite(total)) return {{total}, {0}, {}};
  return {{total}, {error + u * std::abs(total) + 2 * n * n * u * u * magnitude}, {}};
}

// The same at 960 bits. Each product with x and dy, of 24 bits, and each sum adds half a last place
// to what the enclosure of gelu' leaves open.
truth precise_alpha_gradient(const case_inputs& in) {
  using R = reference::mpfr_real<960>;
  truth plain = exact_alpha_gradient(in);
  if (!std::isfinite(plain.value[0]) || !std::all_of(in.values[1].begin(), in.values[1].end(),
                                                     [](double dy) { return std::isfinite(dy); }))
    return plain;
  R total(0), error(0), magnitude(0);
  for (std::size_t i = 0; i < in.values[0].size(); ++i) {
    const auto term =
        reference::gelu_scaled_slope_in_alpha{}(R(in.values[0][i]), R(in.parameters[0]))
            .times(R(in.values[1][i]));
    total = total + term.value();
    magnitude = magnitude + reference::magnitude(R(term.value()));
    error = error + term.error;
  }
  const double n = double(in.values[0].size());
  error = error + R(n + 1) * R(reference::k_unit_roundoff<R>) * magnitude;
  truth precise;
  append_precise(precise, format_of(in.id.type_of("dalpha")), total, error);
  return precise;
}

// Other scales with random data: such that alpha x rounds in the last place, negative, zero.
void add_scales(contract& c) {
  struct wanted {
    double alpha;
    std::int64_t n;
    distribution_id from;
  };
  const std::vector<wanted> all = {{1.7, 1023, {"tails", {{"low", 4}, {"high", 12}}}},
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
  backward.precise.exact = [dx = backward.precise.exact](const case_inputs& in) {
    std::vector<truth> all = dx(in);
    all.push_back(precise_alpha_gradient(in));
    return all;
  };
  backward.policies = [] { return std::vector<comparison_policy>{{}, {.zero_sign = false}}; };
  backward.cost_of = [dx = backward.cost_of](const case_id& id) {
    cost both = dx(id);
    both.bytes += 4;  // dalpha
    return both;
  };
  forward.cases = scaled_cases(forward);
  backward.cases = scaled_cases(backward);
  bound_exponents(backward);
  for (contract* c : {&forward, &backward}) add_scales(*c);
  backward.decoy_case = backward.timed_case = elementwise_decoy_case(backward);
  for (const property& each : {unscaled_is("erf"), difference_of_mirror_images(), limits_forward()})
    forward.properties.push_back(each);
  for (const property& each : {unscaled_is("erf"), slopes_of_mirror_images(), limits_backward()})
    backward.properties.push_back(each);
  return {forward, backward};
}

}  // namespace assay::properties
