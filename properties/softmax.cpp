#include "reference/softmax.hpp"

#include "properties/contract.hpp"
#include "properties/ieee_math.hpp"
#include "properties/softmax_model.hpp"
#include "properties/softmax_properties.hpp"
#include "properties/softmax_rows.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

namespace assay::properties {
namespace {

struct softmax_variant {
  std::string name, formula, slope_formula;
  bool causal = false, logarithm = false, scaled = false;

  double temperature(const case_inputs& in) const { return scaled ? in.parameters[0] : 1; }
};

// ---- truth

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

// ---- inputs

// The backward functions' y: of the row that was drawn, its softmax or the logarithm of that, by
// IEEE operations alone and rounded to the dtype. Exact data stay as they were drawn, for which the
// gradients' formulas hold as well; so does what the position masks, which nobody may read.
void make_results(const softmax_variant& of, case_inputs& in) {
  if (in.id.distribution.name == "exact") return;
  constexpr double k_log2_e = 0x1.71547652b82fep+0;
  const score_rows rows = score_rows::of(in.id);
  const dtype type = in.id.types[0].type;
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const auto row =
        std::span(in.values[0]).subspan(std::size_t(r * rows.length), std::size_t(rows.visible(r)));
    const reference::row_kind kind = reference::kind_of_row(std::span<const double>(row));
    const double most = row.empty() ? 0 : *std::max_element(row.begin(), row.end());
    double sum = 0;
    const auto exponential = [&](double x) {
      return x == -reference::k_infinity ? 0 : ieee_exp2(std::max((x - most) * k_log2_e, -1000.0));
    };
    if (kind == reference::row_kind::ordinary)
      for (double x : row) sum += exponential(x);
    for (double& x : row) {
      if (kind == reference::row_kind::undefined)
        x = reference::k_nan;
      else if (kind == reference::row_kind::masked)
        x = of.logarithm ? x : 0;
      else
        x = round_to(type, of.logarithm ? (x - most) - ieee_log(sum) : exponential(x) / sum);
    }
  }
}

// ---- implementations

// What the kernels of optimized/softmax_launcher.cuh do with a row.
struct row_kernel {
  std::string name, about;
  std::int64_t threads = 0;  // of a row or a chunk; 0: as the row's length wants
  bool chunks = false, naive = false;
};

constexpr std::int64_t k_block_threads = 256, k_warp_row = 1024, k_block_row = 8192;

row_order order_for(const row_kernel& kernel, dtype type, std::int64_t length) {
  const std::int64_t group = kernel.naive ? 1 : 16 / std::int64_t(size_of(type));
  if (kernel.naive) return {k_block_threads, 1, 0};
  if (kernel.chunks || (kernel.threads == 0 && length > k_block_row))
    return {k_block_threads, group, k_block_row};
  if (kernel.threads == 0) return {length <= k_warp_row ? 32 : k_block_threads, group, 0};
  return {kernel.threads, group, 0};
}

const std::vector<row_kernel>& kernels(bool forward) {
  static const std::vector<row_kernel> k_forward = {
      {"online", "one pass for maximum and sum; threads by the row's length", 0},
      {"online_warp", "one pass, a warp a row, the row in registers", 32},
      {"online_block", "one pass, a block a row, the row in registers", k_block_threads},
      {"online_chunks", "one pass by a block a chunk, a second for the results", k_block_threads,
       true},
      {"three_pass", "maximum, sum, results: three reads of the row", k_block_threads, false,
       true}};
  static const std::vector<row_kernel> k_backward = {
      {"one_pass", "the row read once; threads by its length", 0},
      {"one_pass_warp", "a warp a row, the row in registers", 32},
      {"one_pass_block", "a block a row, the row in registers", k_block_threads},
      {"one_pass_chunks", "a block a chunk for the sums, then the results", k_block_threads, true},
      {"two_pass", "sum, results: two reads of the rows", k_block_threads, false, true}};
  return forward ? k_forward : k_backward;
}

// Why a kernel does not take rows of this length, or nothing.
std::string declined(const row_kernel& kernel, const case_id& id) {
  const std::int64_t most = kernel.threads == 32 ? k_warp_row : k_block_row;
  const std::int64_t length = score_rows::of(id).length;
  if (kernel.chunks || kernel.naive || kernel.threads == 0 || length <= most) return {};
  return fmt::format("'{}' takes rows of at most {} elements, not {}", kernel.name, most, length);
}

// Bytes that a kernel moves: a naive one reads what is seen once for each of its passes; a chunked
// one twice, and every block of a row the partial sums of all of its chunks.
double traffic_of(const row_kernel& kernel, bool forward, const case_id& id) {
  const score_rows rows = score_rows::of(id);
  double seen = 0;
  for (std::int64_t r = 0; r < rows.count; ++r) seen += double(rows.visible(r));
  const double all = double(rows.count) * double(rows.length),
               element = double(size_of(id.types[0].type));
  const double inputs = forward ? 1 : 2, passes = kernel.naive && forward ? 3 : 2;
  const bool chunked = order_for(kernel, id.types[0].type, rows.length).chunk > 0;
  const double reads = kernel.naive || chunked ? passes : 1;
  const double chunks = chunked ? std::ceil(double(rows.length) / double(k_block_row)) : 0;
  const double partials = double(rows.count) * chunks * (1 + chunks) * (forward ? 8 : 4);
  return (reads * inputs * seen + all) * element + partials;
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
    return {x.size(), Arithmetic::exact(reference::k_nan)};
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

// ---- cases

struct wanted_rows {
  std::int64_t rows, length;
  distribution_id from;
  std::int64_t align = 256;
  bool in_place = false;
};

case_id case_of(const contract& c, const std::vector<dtype>& types, const wanted_rows& wanted,
                std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) id.types.push_back({tensor.name, types[at++]});
  if (c.dimensions.size() == 2) {
    id.shape = {{"rows", wanted.rows}, {"n", wanted.length}};
  } else {
    // Two matrices where the rows are even; more keys than queries, as many, or fewer, by the seed.
    const std::int64_t batch = wanted.rows % 2 == 0 && wanted.rows > 0 ? 2 : 1;
    id.shape = {{"batch", batch}, {"q", wanted.rows / batch}, {"k", wanted.length}};
  }
  if (wanted.align != 256)
    id.shape.push_back({"align", std::max(wanted.align, std::int64_t(size_of(types[0])))});
  if (wanted.in_place) id.shape.push_back({"inplace", 1});
  for (const parameter_spec& each : c.parameters) id.shape.push_back({each.name, each.otherwise});
  return id;
}

std::vector<case_id> cases_of(const contract& c) {
  const std::vector<wanted_rows> all = {
      {0, 7, {"normal", {}}},
      {3, 0, {"normal", {}}},
      {5, 1, {"normal", {}}},
      {4, 2, {"special", {}}, 1},
      {64, 3, {"special", {}}},
      {17, 33, {"tails", {}}, 1},
      {8, 32, {"normal", {}}, 256, true},
      {9, 257, {"normal", {{"scale", 10}}}, 8},
      {4, 1024, {"normal", {}}},
      {3, 1000, {"uniform", {{"low", -20}, {"high", 20}}}, 1, true},
      {3, 1025, {"wide", {}}},
      {2, 4096, {"normal", {}}},
      {2, 2050, {"constant", {{"value", -0.75}}}},
      {1, 8192, {"constant", {}}},
      {1, 8193, {"tails", {}}},
      {1, 20000, {"exact", {}}},
      {1, 70001, {"constant", {}}, 256, true},
      {6, 40, {"one_hot", {{"index", 5}, {"value", 100}}}},
      {12, 12, {"normal", {}}},
      {30, 7, {"normal", {}}},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_rows& each : all) cases.push_back(case_of(c, types, each, seed++));
  return cases;
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
    c.finish_inputs = [of](case_inputs& in) { make_results(of, in); };
  }
  for (dtype t : k_types) c.signatures.emplace_back(c.inputs.size() + c.outputs.size(), t);
  c.exact = [of, forward](const case_inputs& in) {
    return forward ? exact_forward(of, in) : exact_backward(of, in);
  };
  // Zeros that underflow or that cancel have no sign to keep.
  c.policies = [] { return std::vector<comparison_policy>{{.zero_sign = false}}; };
  c.group = [](const case_id& id) { return std::max<std::int64_t>(score_rows::of(id).length, 1); };
  for (const row_kernel& kernel : kernels(forward))
    c.implementations.push_back(implementation_of(of, kernel, forward));
  c.cost_of = [forward](const case_id& id) {
    const score_rows rows = score_rows::of(id);
    double seen = 0;
    for (std::int64_t r = 0; r < rows.count; ++r) seen += double(rows.visible(r));
    const double all = double(rows.count) * double(rows.length), inputs = forward ? 1 : 2;
    return cost{(inputs * seen + all) * double(size_of(id.types[0].type)), 5 * seen};
  };
  c.cases = cases_of(c);
  c.decoy_case = case_of(c, c.signatures.front(), {6, 37, {"normal", {}}}, 1);
  c.timed_case = case_of(c, c.signatures.front(), {1, 1024, {"normal", {}}}, 1);
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
