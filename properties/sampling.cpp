// sampling.greedy.fwd, sampling.draw.fwd, sampling.next.fwd: the next token from rows of logits;
// the last two by a number from 0 to 1, which is given, or made of a seed and a row's own place.

#include "reference/sampling.hpp"

#include "properties/contract.hpp"
#include "properties/philox.hpp"
#include "properties/sampling_numerics.hpp"
#include "properties/sampling_properties.hpp"
#include "properties/sampling_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

// Tokens that cannot come, in every fourth row; `special` and `patterns` have their own.
void forbid_some(case_inputs& in) {
  constexpr std::uint32_t k_stream = 3100;
  const std::string& name = in.id.distribution.name;
  if (name == "special" || name == "patterns") return;
  const auto columns = std::size_t(std::max<std::int64_t>(in.id.dimension("v"), 1));
  std::vector<double>& logits = in.values[k_token_logits];
  for (std::size_t i = 0; i < logits.size(); ++i) {
    element_stream from(in.id.seed, k_stream, i);
    if (i / columns % 4 == 3 && from.below(4) == 0) logits[i] = -reference::k_infinity;
  }
}

// Multiples of 2^-24, and of 2^-4 as often: those may be a partial sum of equal weights. `special`
// data have others, too.
void draw_given(case_inputs& in) {
  constexpr std::uint32_t k_stream = 3101;
  const double strange[] = {1,    -0.25,   reference::k_nan, reference::k_infinity,
                            -0.0, 0x1p-40, 1 - 0x1p-24};
  std::uint64_t i = 0;
  for (double& u : in.values[k_given_u]) {
    element_stream from(in.id.seed, k_stream, i++);
    u = from.below(2) == 0 ? from.below(16) * 0x1p-4 : from.below(1 << 24) * 0x1p-24;
    if (in.id.distribution.name == "special" && from.below(3) == 0)
      u = strange[from.below(std::size(strange))];
  }
}

// Any place that a sequence may have.
void draw_places(case_inputs& in) {
  constexpr std::uint32_t k_stream = 3102;
  for (std::size_t t : {k_sequences, k_positions}) {
    std::uint64_t i = 0;
    for (double& place : in.values[t]) {
      element_stream from(in.id.seed, k_stream + std::uint32_t(t), i++);
      place = from.below(2) == 0 ? from.below(100) : from.below(0x80000000u);
    }
  }
}

void finish(case_inputs& in) {
  forbid_some(in);
  if (in.id.variant == "draw") draw_given(in);
  if (in.id.variant == "next") draw_places(in);
}

std::string objection(const case_inputs& in) {
  if (in.id.variant != "draw") return {};
  for (std::size_t r = 0; r < in.values[k_given_u].size(); ++r)
    if (!draws_a_token(in.values[k_given_u][r]))
      return fmt::format("tensor 'u' has {} at [{}]; expected 0 to 1, and less than 1",
                         in.values[k_given_u][r], r);
  return {};
}

truth exactly(std::vector<double> tokens) {
  truth exact;
  exact.value = std::move(tokens);
  return exact;
}

truth in_many_digits(const case_inputs& in) {
  truth exact = exactly(next_tokens_precisely(in));
  exact.rounded = exact.value;
  exact.error.assign(exact.value.size(), 0);
  return exact;
}

// Every logit once, tokens, and what draws them. Of a logit its order, its weight and a sum.
cost cost_of(const case_id& id) {
  const double rows = double(id.dimension("rows")), logits = rows * double(id.dimension("v"));
  const double drawn_by = id.variant == "next" ? 8 : id.variant == "draw" ? 4 : 0;
  return {logits * double(size_of(id.types[k_token_logits].type)) + (4 + drawn_by) * rows,
          (id.variant == "greedy" ? 1 : 4) * logits};
}

struct wanted_sampling {
  std::int64_t rows, columns;
  distribution_id from = {"normal", {}};
  double temperature = 1, top_k = 0, top_p = 1;
  std::int64_t align = 256, pad = 0;
};

case_id case_of(const contract& c, dtype type, const wanted_sampling& wanted, std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  id.types = {{"logits", type}};
  for (std::size_t t = 1; t < c.inputs.size(); ++t)
    id.types.push_back({c.inputs[t].name, c.variant == "draw" ? dtype::fp32 : dtype::int32});
  id.types.push_back({"tokens", dtype::int32});
  id.shape = {{"rows", wanted.rows}, {"v", wanted.columns}};
  if (wanted.align != 256) id.shape.push_back({"align", std::max<std::int64_t>(wanted.align, 4)});
  if (wanted.pad > 0) id.shape.push_back({"pad", wanted.pad});
  if (c.variant == "greedy") return id;
  id.shape.insert(
      id.shape.end(),
      {{"temperature", wanted.temperature}, {"top_k", wanted.top_k}, {"top_p", wanted.top_p}});
  // Whatever the keys are: places differ from case to case. The default's goes with the other
  // defaults.
  constexpr double k_key = 7654321;
  const bool usual = wanted.temperature == 1 && wanted.top_k == 0 && wanted.top_p == 1;
  if (c.variant == "next") id.shape.push_back({"seed", usual ? 0 : k_key});
  return id;
}

std::vector<case_id> cases_of(const contract& c) {
  const double tenth = double(0.9f), share = double(0.7f);
  const std::vector<wanted_sampling> all = {
      {0, 7},
      {3, 0},
      {5, 1},
      {9, 33},
      {30, 4, {"special", {}}, 1, 2, share},
      {20, 3, {"special", {}}},
      {8, 16, {"constant", {{"value", -60000}}}},
      {16, 16, {"constant", {}}, 2, 0, 0.5},
      {12, 70, {"exact", {}}, 1, 20, 1, 4},
      {12, 65, {"exact", {{"largest", 3}}}, 3, 9, tenth, 8, 3},
      {8, 257, {"normal", {{"scale", 3}}}, double(0.8f), 40, double(0.95f)},
      {6, 100, {"tails", {}}, 1, 0, share, 256, 5},
      {5, 65, {"wide", {}}, 1, 5, tenth},
      {6, 40, {"one_hot", {{"index", 45}, {"value", 100}}}},
      {7, 90, {"normal", {{"mean", -40}}}, 0, 0, tenth},
      {7, 90, {"uniform", {{"low", -20}, {"high", 20}}}, 1, 0, 0},
      {7, 90, {"normal", {}}, 1, 1, 1},
      {7, 45, {"normal", {}}, 5, 45, share},
      {7, 45, {"normal", {}}, double(0.01f), 1000, 1},
      {40, 6, {"normal", {{"mean", 4}, {"scale", 3}}}, double(1.3f), 3, double(0.99f)},
      {300, 2, {"uniform", {{"low", -1}, {"high", 1}}}},
      {1, 4099, {"normal", {}}, 1, 50, tenth, 4},
      {1, 50257, {"normal", {}}, 1, 0, tenth},
      {1, 61003, {"exact", {}}, 1, 500, share, 4},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_sampling& each : all) cases.push_back(case_of(c, types[0], each, seed++));
  return cases;
}

void add_settings(contract& c) {
  c.parameters = {{"temperature", 1, "what logits are divided by; 0: greedy", 0},
                  {"top_k", 0, "so many of the largest are kept, and what equals the last; 0: all",
                   0, 0x1p24, true},
                  {"top_p", 1, "of those the smallest set with this share", 0, 1}};
  if (c.variant == "next")
    c.parameters.push_back({"seed", 0, "the generator's key", 0, 0x1p53, true});
}

contract contract_for(const char* variant) {
  contract c;
  c.component = "sampling";
  c.variant = variant;
  c.direction = "fwd";
  c.about = "the first of the largest logits";
  c.dimensions = {"rows", "v"};
  c.inputs = {{"logits", {"rows", "v"}}};
  std::vector<dtype> others;
  if (c.variant == "draw") {
    c.about = "the token of each row that u draws, after temperature, top-k and top-p";
    c.inputs.push_back({"u", {"rows"}});
    others = {dtype::fp32};
  }
  if (c.variant == "next") {
    c.about = "the same, u being Philox's of seed, sequence and position";
    c.inputs.push_back({"sequences", {"rows"}, drawn::as_index, "v"});
    c.inputs.push_back({"positions", {"rows"}, drawn::as_index, "v"});
    others = {dtype::int32, dtype::int32};
  }
  const bool draws = c.variant != "greedy";
  if (draws) add_settings(c);
  c.outputs = {{"tokens", {"rows"}}};
  for (const dtype t : {dtype::fp32, dtype::bf16, dtype::fp16}) {
    c.signatures.push_back({t});
    c.signatures.back().insert(c.signatures.back().end(), others.begin(), others.end());
    c.signatures.back().push_back(dtype::int32);
  }
  c.takes_gaps = true;
  c.finish_inputs = finish;
  c.objection = objection;
  c.exact = [](const case_inputs& in) { return std::vector<truth>{exactly(next_tokens(in))}; };
  c.precise = {draws ? "MPFR at 960 bits" : "a choice", draws ? 289 : 0,
               [](const case_inputs& in) { return std::vector<truth>{in_many_digits(in)}; }};
  c.policies = [] { return std::vector<comparison_policy>{{.zero_sign = false}}; };
  c.implementations = sampling_implementations(draws);
  c.cost_of = cost_of;
  add_sampling_properties(c);
  c.cases = cases_of(c);
  c.decoy_case =
      case_of(c, dtype::fp32, {6, 41, {"normal", {}}, double(1.5f), 30, double(0.95f)}, 3);
  c.timed_case = case_of(c, dtype::fp32, {1, 50257, {"normal", {}}, 1, 50, double(0.95f)}, 1);
  return c;
}

}  // namespace

std::vector<contract> sampling_contracts() {
  return {contract_for("greedy"), contract_for("draw"), contract_for("next")};
}

}  // namespace assay::properties
