#include "reference/embedding.hpp"

#include "properties/contract.hpp"
#include "properties/embedding_numerics.hpp"
#include "properties/embedding_properties.hpp"
#include "properties/embedding_shape.hpp"
#include "properties/precise.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace assay::properties {
namespace {

template <reference::real R>
std::vector<R> widened(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

// Every fourth is none of `rows` rows.
void make_strange(std::vector<double>& numbers, double rows, const case_id& id,
                  std::uint32_t stream) {
  const double strange[] = {-1, rows, rows + 1, double(std::numeric_limits<std::int32_t>::max()),
                            double(std::numeric_limits<std::int32_t>::min())};
  std::uint64_t i = 0;
  for (double& each : numbers) {
    element_stream from(id.seed, stream, i++);
    if (from.below(4) == 0) each = strange[from.below(std::size(strange))];
  }
}

// Ids are drawn from those that there are, and lengths so that there is room behind them. `special`
// data have others too.
void finish(case_inputs& in) {
  const embedding_shape shape = embedding_shape::of(in.id);
  const bool special = in.id.distribution.name == "special";
  if (special)
    make_strange(in.values[is_forward(in.id) ? k_embedding_forward.ids : k_embedding_backward.ids],
                 double(shape.tokens), in.id, 3000);
  if (!goes_on(in.id)) return;
  std::vector<double>& lengths = in.values[k_embedding_lengths];
  for (double& each : lengths) each = std::min(each, double(shape.positions - shape.length));
  if (special) make_strange(lengths, double(shape.positions), in.id, 3001);
}

std::string objection_to_lengths(const case_inputs& in) {
  const embedding_shape shape = embedding_shape::of(in.id);
  const std::vector<double>& lengths = in.values[k_embedding_lengths];
  for (std::size_t b = 0; b < lengths.size(); ++b)
    if (lengths[b] < 0 || lengths[b] > double(shape.positions - shape.length))
      return fmt::format("tensor 'lengths' has {} at [{}]; expected 0 to {}", lengths[b], b,
                         shape.positions - shape.length);
  return {};
}

std::string objection(const case_inputs& in) {
  const embedding_shape shape = embedding_shape::of(in.id);
  const std::vector<std::int64_t> ids = embedding_ids(in);
  for (std::size_t k = 0; k < ids.size(); ++k)
    if (!shape.has(ids[k]))
      return fmt::format("tensor 'ids' has {} at [{}, {}]; expected 0 to {}", ids[k],
                         std::int64_t(k) / shape.length, std::int64_t(k) % shape.length,
                         shape.tokens - 1);
  return goes_on(in.id) ? objection_to_lengths(in) : std::string();
}

truth truth_of(const std::vector<reference::approximation>& values) {
  truth all;
  for (const reference::approximation& each : values) {
    all.value.push_back(each.value);
    all.error.push_back(each.error);
  }
  return all;
}

std::vector<truth> exact_forward(const case_inputs& in) {
  const embedding_shape shape = embedding_shape::of(in.id);
  const reference::table<double> tokens{in.values[k_embedding_forward.tokens], shape.width},
      positions{in.values[k_embedding_forward.positions], shape.width};
  return {truth_of(
      reference::embedding_with_error(embedding_ids(in), embedding_places(in), tokens, positions))};
}

std::vector<truth> exact_backward(const case_inputs& in) {
  const embedding_shape shape = embedding_shape::of(in.id);
  const reference::table<double> dx{in.values[k_embedding_backward.dx], shape.width};
  const std::vector<std::int64_t> ids = embedding_ids(in),
                                  places = reference::position_ids(shape.batch, shape.length);
  return {truth_of(reference::embedding_gradient_with_error(ids, shape.tokens, dx)),
          truth_of(reference::embedding_gradient_with_error(places, shape.positions, dx))};
}

// Sums of values of 24 bits each, from 2^-149 to 2^127, are exact in 960 bits.
using precise_real = reference::mpfr_real<960>;

truth exactly(const std::vector<precise_real>& values, dtype type) {
  truth all;
  for (const precise_real& each : values)
    append_precise(all, format_of(type), each, precise_real(0));
  return all;
}

std::vector<truth> precise_outputs(const case_inputs& in) {
  const embedding_shape shape = embedding_shape::of(in.id);
  const std::vector<std::int64_t> ids = embedding_ids(in);
  const dtype type = in.id.types.back().type;
  const auto wide = [&](std::size_t t) { return widened<precise_real>(in.values[t]); };
  if (is_forward(in.id)) {
    const auto tokens = wide(k_embedding_forward.tokens),
               positions = wide(k_embedding_forward.positions);
    return {exactly(reference::embedding<precise_real>(
                        ids, embedding_places(in), {tokens, shape.width}, {positions, shape.width}),
                    type)};
  }
  const auto dx = wide(k_embedding_backward.dx);
  const auto gradient = [&](const std::vector<std::int64_t>& of, std::int64_t rows) {
    return exactly(reference::embedding_gradient<precise_real>(of, rows, {dx, shape.width}), type);
  };
  return {gradient(ids, shape.tokens),
          gradient(reference::position_ids(shape.batch, shape.length), shape.positions)};
}

// How many of them there are that are in a table, each counted once.
template <class Has>
double count_of_rows(std::vector<std::int64_t> asked, const Has& has) {
  std::sort(asked.begin(), asked.end());
  asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
  return double(std::count_if(asked.begin(), asked.end(), has));
}

// Rows of tables that are asked for, once; all of x, dx and gradients; ids and lengths.
cost cost_of(const case_id& id) {
  const embedding_shape shape = embedding_shape::of(id);
  const double row = double(shape.width) * double(size_of(id.types.back().type)),
               ids = double(shape.ids());
  if (!is_forward(id))
    return {(ids + double(shape.tokens + shape.positions)) * row + 4 * ids,
            2 * ids * double(shape.width)};
  const case_inputs in = make_inputs(contract_of(id), id);
  const double rows = count_of_rows(embedding_ids(in),
                                    [&](std::int64_t each) { return shape.has(each); }),
               positions = count_of_rows(embedding_places(in), [&](std::int64_t each) {
                 return shape.has_position(each);
               });
  return {(ids + rows + positions) * row + 4 * ids + (goes_on(id) ? 4 * double(shape.batch) : 0),
          ids * double(shape.width)};
}

struct wanted_embedding {
  std::int64_t batch, length, tokens, positions, width;
  distribution_id from = {"normal", {}};
  std::int64_t align = 256, pad = 0;
};

case_id embedding_case(const contract& c, const std::vector<dtype>& types,
                       const wanted_embedding& wanted, std::uint64_t seed) {
  case_id id{c.component, c.variant, c.direction, {}, {}, wanted.from, seed};
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors) id.types.push_back({tensor.name, types[at++]});
  id.shape = {{"batch", wanted.batch},
              {"t", wanted.length},
              {"v", wanted.tokens},
              {"positions", wanted.positions},
              {"c", wanted.width}};
  if (wanted.align != 256)
    id.shape.push_back({"align", std::max(wanted.align, std::int64_t(size_of(types.back())))});
  if (wanted.pad > 0) id.shape.push_back({"pad", wanted.pad});
  return id;
}

std::vector<case_id> cases_of(const contract& c) {
  const std::vector<wanted_embedding> all = {
      {0, 3, 5, 4, 8},
      {2, 0, 5, 4, 8},
      {2, 3, 0, 4, 8},
      {2, 3, 5, 3, 0},
      {1, 1, 1, 1, 1},
      {3, 7, 11, 9, 24},
      {2, 9, 5, 9, 300},
      {2, 12, 5, 12, 40, {"special", {}}},
      {4, 6, 300, 8, 7, {"tails", {}}, 2},
      {4, 40, 3, 64, 16, {"wide", {{"below", 100}}}},
      {9, 33, 2, 33, 20, {"normal", {}}, 256, 4},
      {2, 5, 9, 7, 24, {"normal", {}}, 256, 8},
      {3, 4, 9, 5, 13, {"uniform", {}}, 1, 3},
      {448, 10, 1100, 10, 1},
      {1, 200, 1, 200, 8, {"exact", {}}},
      {6, 5, 7, 5, 32, {"ill_conditioned", {}}},
      {5, 8, 6, 8, 64, {"constant", {{"value", -0.75}}}},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_embedding& each : all)
      cases.push_back(embedding_case(c, types, each, seed++));
  return cases;
}

enum class pass { forward, offset, backward };

std::string about(pass which) {
  if (which == pass::forward)
    return "tokens[ids[b, i]] + positions[i]; NaN where an id is no row of tokens";
  if (which == pass::offset)
    return "tokens[ids[b, i]] + positions[lengths[b] + i]; NaN where one is no row of its table";
  return "of each token and of each position, the sum of its rows of dx";
}

contract contract_for(pass which) {
  const bool forward = which != pass::backward;
  contract c;
  c.component = "embedding";
  c.variant = which == pass::offset ? "offset" : "tokens";
  c.direction = forward ? "fwd" : "bwd";
  c.about = about(which);
  c.dimensions = {"batch", "t", "v", "positions", "c"};
  c.usual = {{"t", {}}, {"v", {}}, {"c", {8, 1, 20, 64, 13, 300}}};
  c.at_most = {{"t", "positions"}};
  const tensor_spec ids{"ids", {"batch", "t"}, drawn::as_index, "v"}, tokens{"tokens", {"v", "c"}},
      positions{"positions", {"positions", "c"}};
  const std::vector<std::string> x = {"batch", "t", "c"};
  if (forward) {
    c.inputs = {tokens, positions, ids};
    if (which == pass::offset)
      c.inputs.push_back({"lengths", {"batch"}, drawn::as_length, "positions"});
    c.outputs = {{"x", x}};
  } else {
    c.inputs = {{"dx", x}, ids};
    c.outputs = {{"dtokens", tokens.shape}, {"dpositions", positions.shape}};
    c.sums_over_first = true;  // the first of them too
  }
  for (dtype t : {dtype::fp32, dtype::bf16, dtype::fp16}) {
    std::vector<dtype> types(c.inputs.size() + c.outputs.size(), t);
    types[forward ? k_embedding_forward.ids : k_embedding_backward.ids] = dtype::int32;
    if (which == pass::offset) types[k_embedding_lengths] = dtype::int32;
    c.signatures.push_back(std::move(types));
  }
  c.takes_gaps = true;
  c.finish_inputs = finish;
  c.objection = objection;
  c.exact = forward ? exact_forward : exact_backward;
  c.precise = {"MPFR at 960 bits", 289, precise_outputs};
  // Zeros that cancel have no sign to keep.
  c.policies = [outputs = c.outputs.size()] {
    return std::vector<comparison_policy>(outputs, {.zero_sign = false});
  };
  c.implementations = embedding_implementations(forward);
  c.cost_of = cost_of;
  add_embedding_properties(c);
  c.cases = cases_of(c);
  c.decoy_case = embedding_case(c, c.signatures.front(), {3, 30, 40, 33, 24}, 5);
  c.timed_case = embedding_case(c, c.signatures.front(), {1, 256, 5000, 256, 128}, 1);
  return c;
}

}  // namespace

std::vector<contract> embedding_contracts() {
  return {contract_for(pass::forward), contract_for(pass::offset), contract_for(pass::backward)};
}

}  // namespace assay::properties
