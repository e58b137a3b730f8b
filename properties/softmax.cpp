#include "reference/softmax.hpp"

#include "properties/contract.hpp"
#include "properties/softmax_cases.hpp"
#include "properties/softmax_kernels.hpp"
#include "properties/softmax_precise.hpp"
#include "properties/softmax_properties.hpp"
#include "properties/softmax_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

struct softmax_variant {
  std::string name, formula, slope_formula;
  bool causal = false, logarithm = false, scaled = false;

  double temperature(const case_inputs& in) const { return scaled ? in.parameters[0] : 1; }
};

void append(truth& all, const std::vector<reference::approximation>& row, std::int64_t length,
            double masked) {
  for (const reference::approximation& each : row) {
    all.value.push_back(each.value);
    all.error.push_back(each.error);
  }
  all.value.resize(all.value.size() + std::size_t(length) - row.size(), masked);
  all.error.resize(all.value.size(), 0);
}

std::vector<truth> exact_forward(const softmax_variant& of, const case_inputs& in) {
  const score_rows rows = score_rows::of(in.id);
  truth y;
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const auto x = rows.seen(in.values[0], r);
    append(y,
           of.logarithm ? reference::log_softmax_with_error(x)
                        : reference::softmax_with_error(x, of.temperature(in)),
           rows.length, of.logarithm ? -reference::k_infinity : 0);
  }
  return {y};
}

std::vector<truth> exact_backward(const softmax_variant& of, const case_inputs& in) {
  const score_rows rows = score_rows::of(in.id);
  truth dx;
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const auto y = rows.seen(in.values[0], r), dy = rows.seen(in.values[1], r);
    append(dx,
           of.logarithm ? reference::log_softmax_gradient_with_error(y, dy)
                        : reference::softmax_gradient_with_error(y, dy, of.temperature(in)),
           rows.length, 0);
  }
  return {dx};
}

// A gradient from above of up to 2^125 overflows nowhere: dot products with shares stay below it,
// and differences below 2^126. NaN makes its row NaN; so does infinity, unless it meets the
// exponential of a logarithm, which may have underflowed to nothing in fp32.
std::vector<bool> promised_gradients(const softmax_variant& of, const case_inputs& in) {
  const score_rows rows = score_rows::of(in.id);
  std::vector<bool> promised;
  for (std::int64_t r = 0; r < rows.count; ++r) {
    bool all = true;
    for (double dy : rows.seen(in.values[1], r))
      all = all && (std::isinf(dy) ? !of.logarithm : !(std::abs(dy) > 0x1p125));
    promised.insert(promised.end(), std::size_t(rows.length), all);
  }
  return promised;
}

// Logarithms of rows whose scores lie further apart may be more than fp32 has.
std::vector<bool> promised_logarithms(const case_inputs& in) {
  const score_rows rows = score_rows::of(in.id);
  std::vector<bool> promised;
  for (std::int64_t r = 0; r < rows.count; ++r) {
    double low = reference::k_infinity, high = -reference::k_infinity;
    for (double x : rows.seen(in.values[0], r))
      if (std::isfinite(x)) low = std::min(low, x), high = std::max(high, x);
    promised.insert(promised.end(), std::size_t(rows.length), !(high - low >= 0x1p127));
  }
  return promised;
}

template <class Arithmetic>
std::vector<typename Arithmetic::value> forward_row(const softmax_variant& of,
                                                    const softmax_arithmetic<Arithmetic>& a,
                                                    std::span<const double> x, const row_order& how,
                                                    bool naive) {
  if (reference::kind_of_row(x) == reference::row_kind::undefined)
    return std::vector(x.size(), Arithmetic::exact(reference::k_nan));
  const auto all = naive ? a.three_pass_row(x, how.threads) : a.online_row(x, how);
  return of.logarithm ? a.log_softmax_of(x, all) : a.softmax_of(x, all);
}

implementation implementation_of(const softmax_variant& of, const row_kernel& kernel,
                                 bool forward) {
  implementation it;
  it.name = kernel.name;
  it.about = kernel.about;
  it.numerics = fmt::format("fp32, each operation rounded; sums of fp32 rows of 4096: {}",
                            order_of(order_for(kernel, dtype::fp32, 4096)).text());
  it.in_place = true;
  if (!forward) {
    it.promises = [of](const case_inputs& in) { return promised_gradients(of, in); };
    it.domain_text = of.logarithm ? "rows of finite gradients up to 2^125"
                                  : "rows whose finite gradients are at most 2^125";
  }
  if (forward && of.logarithm) {
    it.promises = promised_logarithms;
    it.domain_text = "rows whose finite scores lie within 2^127";
  }
  it.traffic = [kernel, forward](const case_id& id) { return traffic_of(kernel, forward, id); };
  it.declines = [kernel](const case_id& id) { return declined(kernel, id); };
  it.model = make_model([of, kernel, forward](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    const softmax_arithmetic<arithmetic> rounds(a, of.temperature(in));
    const score_rows rows = score_rows::of(in.id);
    const row_order how = order_for(kernel, in.id.types[0].type, rows.length);
    model_outputs<arithmetic> out(1);
    for (std::int64_t r = 0; r < rows.count; ++r) {
      const auto x = rows.seen(in.values[0], r);
      std::vector<typename arithmetic::value> row;
      if (forward)
        row = forward_row(of, rounds, x, how, kernel.naive);
      else if (of.logarithm)
        row = rounds.log_softmax_gradient_of(x, rows.seen(in.values[1], r), how);
      else
        row = rounds.softmax_gradient_of(x, rows.seen(in.values[1], r), how);
      const double masked = forward && of.logarithm ? -reference::k_infinity : 0;
      row.resize(std::size_t(rows.length), arithmetic::exact(masked));
      out[0].insert(out[0].end(), row.begin(), row.end());
    }
    return out;
  });
  return it;
}

contract common_contract(const softmax_variant& of, bool forward) {
  constexpr dtype k_types[] = {dtype::fp32, dtype::bf16, dtype::fp16};
  contract c;
  c.component = "softmax";
  c.variant = of.name;
  c.direction = forward ? "fwd" : "bwd";
  c.about = forward ? of.formula : of.slope_formula;
  if (of.causal)
    c.dimensions = {"batch", "q", "k"};
  else
    c.dimensions = {"rows", "n"};
  if (of.scaled)
    c.parameters = {{"temperature", 0.75, "what scores are divided by, rounded to fp32", 0x1p-126,
                     0x1.fffffep127}};
  if (forward) {
    c.inputs = {{"x", c.dimensions}};
    c.outputs = {{"y", c.dimensions}};
  } else {
    c.inputs = {{"y", c.dimensions}, {"dy", c.dimensions, drawn::as_gradient}};
    c.outputs = {{"dx", c.dimensions}};
    c.finish_inputs = [of](case_inputs& in) { make_softmax_results(of.logarithm, in); };
  }
  for (dtype t : k_types) c.signatures.emplace_back(c.inputs.size() + c.outputs.size(), t);
  c.exact = [of, forward](const case_inputs& in) {
    return forward ? exact_forward(of, in) : exact_backward(of, in);
  };
  c.precise = precise_softmax(of.logarithm, of.scaled, forward);
  // Zeros that underflow or that cancel have no sign to keep.
  c.policies = [] { return std::vector<comparison_policy>{{.zero_sign = false}}; };
  c.group = [](const case_id& id) { return std::max<std::int64_t>(score_rows::of(id).length, 1); };
  for (const row_kernel& kernel : softmax_kernels(forward))
    c.implementations.push_back(implementation_of(of, kernel, forward));
  c.cost_of = [forward](const case_id& id) {
    const score_rows rows = score_rows::of(id);
    double seen = 0;
    for (std::int64_t r = 0; r < rows.count; ++r) seen += double(rows.visible(r));
    const double all = double(rows.count) * double(rows.length), inputs = forward ? 1 : 2;
    return cost{(inputs * seen + all) * double(size_of(id.types[0].type)), 5 * seen};
  };
  c.cases = softmax_cases(c);
  c.decoy_case = softmax_case(c, c.signatures.front(), {6, 37, {"normal", {}}}, 1);
  c.timed_case = softmax_case(c, c.signatures.front(), {1, 1024, {"normal", {}}}, 1);
  if (of.causal) c.timed_case.shape[1].value = 1024;
  return c;
}

}  // namespace

std::vector<contract> softmax_contracts() {
  const std::vector<softmax_variant> variants = {
      {.name = "plain",
       .formula = "e^(x_j) / sum e^(x_k) of each row",
       .slope_formula = "y (dy - sum y dy) of each row"},
      {.name = "temperature",
       .formula = "softmax(x / temperature)",
       .slope_formula = "y (dy - sum y dy) / temperature",
       .scaled = true},
      {.name = "causal",
       .formula = "softmax of the first i + 1 + k - q scores of row i, 0 behind them",
       .slope_formula = "y (dy - sum y dy) of what is seen, 0 behind it",
       .causal = true},
      {.name = "log",
       .formula = "x_j - log sum e^(x_k) of each row",
       .slope_formula = "dy - e^y sum dy of each row",
       .logarithm = true}};
  std::vector<contract> all;
  for (const softmax_variant& of : variants)
    for (bool forward : {true, false}) {
      all.push_back(common_contract(of, forward));
      add_softmax_properties(all.back());
    }
  return all;
}

}  // namespace assay::properties
