// causal_mask.fill.fwd: scores with -infinity where a causal mask hides them. A copy, so its bound
// is zero.

#include "reference/causal_mask.hpp"

#include "properties/contract.hpp"
#include "properties/property.hpp"
#include "properties/softmax_cases.hpp"
#include "properties/softmax_rows.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::properties {
namespace {

constexpr double k_hidden = -reference::k_infinity;

score_rows rows_of(const case_id& id) {
  score_rows rows = score_rows::shape_of(id);
  rows.causal = true;
  return rows;
}

std::vector<truth> exactly(const case_inputs& in) {
  truth y;
  y.value =
      reference::causal_mask<double>(in.values[0], in.id.dimension("q"), in.id.dimension("k"));
  return {y};
}

// The same, as goldens want it: zeros with their sign, for nothing is computed.
std::vector<truth> in_many_digits(const case_inputs& in) {
  std::vector<truth> y = exactly(in);
  y[0].rounded = y[0].value;
  y[0].error.assign(y[0].value.size(), 0);
  return y;
}

// What is visible is read, and all is written.
double bytes_apart(const case_id& id) {
  const score_rows rows = rows_of(id);
  return (rows.visible_scores() + double(rows.count) * double(rows.length)) *
         double(size_of(id.types[0].type));
}

// In place what is visible stays as it is.
cost cost_of(const case_id& id) {
  const score_rows rows = rows_of(id);
  const double all = double(rows.count) * double(rows.length);
  if (value_of(id.shape, "inplace", 0) == number(0)) return {bytes_apart(id), 0};
  return {(all - rows.visible_scores()) * double(size_of(id.types[0].type)), 0};
}

implementation a_copy(const char* name, const char* about) {
  implementation it;
  it.name = name;
  it.about = about;
  it.numerics = "exact: no operation rounds";
  it.in_place = true;
  it.model = make_model([](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    const score_rows rows = rows_of(in.id);
    model_outputs<arithmetic> y(1);
    for (std::int64_t r = 0; r < rows.count; ++r)
      for (std::int64_t j = 0; j < rows.length; ++j)
        y[0].push_back(arithmetic::exact(
            j < rows.visible(r) ? in.values[0][std::size_t(r * rows.length + j)] : k_hidden));
    return y;
  });
  return it;
}

// f(which, query, key) of every score.
template <class F>
void for_each_score(const case_inputs& in, F f) {
  const std::int64_t queries = in.id.dimension("q"), keys = in.id.dimension("k");
  for (std::size_t i = 0; i < in.values[0].size(); ++i)
    f(i, std::int64_t(i) / keys % queries, std::int64_t(i) % keys);
}

bool is_hidden(const case_inputs& in, std::int64_t query, std::int64_t key) {
  return !reference::is_visible(query, key, in.id.dimension("q"), in.id.dimension("k"));
}

std::string broken_copy(const subject& s) {
  const std::vector<double> y = s.outputs()[0].got;
  std::vector<double> visible, kept;
  for_each_score(s.inputs(), [&](std::size_t i, std::int64_t query, std::int64_t key) {
    if (is_hidden(s.inputs(), query, key)) return;
    visible.push_back(s.inputs().values[0][i]);
    kept.push_back(y[i]);
  });
  return same_bits(kept, visible);
}

// Other numbers, infinities and NaNs under the mask.
std::string broken_mask(const subject& s) {
  constexpr double k_strange[] = {reference::k_nan, reference::k_infinity, 1, 0};
  case_inputs other = s.inputs();
  for_each_score(other, [&](std::size_t i, std::int64_t query, std::int64_t key) {
    if (is_hidden(other, query, key)) other.values[0][i] = k_strange[i % 4];
  });
  std::string broken;
  for (const case_inputs& each : {s.inputs(), other}) {
    const std::vector<double> y = s.outputs(each)[0].got;
    for_each_score(each, [&](std::size_t i, std::int64_t query, std::int64_t key) {
      if (broken.empty() && is_hidden(each, query, key) && !(y[i] == k_hidden))
        broken = fmt::format("element {}, {:a}, is hidden and {:a}", i, each.values[0][i], y[i]);
    });
  }
  return broken;
}

std::string broken_repetition(const subject& s) {
  case_inputs again = s.inputs();
  again.values[0] = s.outputs()[0].got;
  return same_bits(s.outputs(again)[0].got, again.values[0]);
}

// From the last row upwards, by what comes out alone: as many ones as there are keys, and behind
// them -infinity; then always one less.
std::string broken_diagonal(const subject& s) {
  const score_rows rows = score_rows::shape_of(s.inputs().id);
  const std::vector<double> y = s.outputs(s.with_values(0, [](double) { return 1.0; }))[0].got;
  for (std::int64_t r = 0; r < rows.count; ++r) {
    const std::int64_t above_the_last = rows.queries - 1 - r % rows.queries,
                       seen = std::max<std::int64_t>(rows.length - above_the_last, 0);
    for (std::int64_t j = 0; j < rows.length; ++j) {
      const double got = y[std::size_t(r * rows.length + j)];
      if (!(got == (j < seen ? 1 : k_hidden)))
        return fmt::format("key {} of {}, {} rows above the last: {:a}", j, rows.length,
                           above_the_last, got);
    }
  }
  return {};
}

std::string broken_independence(const subject& s) {
  const auto matrices = std::size_t(s.inputs().id.dimension("batch"));
  case_inputs turned = s.inputs();
  turned.values[0] = reversed(turned.values[0], matrices);
  return same_bits(s.outputs(turned)[0].got, reversed(s.outputs()[0].got, matrices));
}

// As many queries as keys, more, and fewer; borders at, before and behind those of 16 bytes.
std::vector<case_id> cases_of(const contract& c) {
  const std::vector<wanted_rows> all = {
      {0, 7, {"normal", {}}},
      {3, 0, {"normal", {}}},
      {1, 1, {"normal", {}}},
      {2, 1, {"special", {}}, 1},
      {4, 2, {"special", {}}, 1, true},
      {18, 9, {"normal", {}}},
      {34, 17, {"special", {}}, 256, true},
      {64, 32, {"tails", {}}},
      {33, 33, {"tails", {}}, 1},
      {17, 5, {"special", {}}},
      {30, 7, {"normal", {}}, 8, true},
      {6, 40, {"special", {}}},
      {5, 257, {"wide", {}}, 256, true},
      {10, 40, {"tails", {}}, 256, false, 8},
      {22, 11, {"special", {}}, 256, true, 3},
      {12, 1032, {"normal", {}}, 16, false, 24},
      {256, 128, {"normal", {}}},
      {300, 300, {"patterns", {}}, 256, true},
      // One element, or one 16 bytes, in a block by itself; many queries that see nothing.
      {1, 257, {"normal", {}}},
      {1, 1025, {"normal", {}}},
      {1, 2049, {"normal", {}}},
      {1200, 5, {"special", {}}, 256, true},
  };
  std::vector<case_id> cases;
  std::uint64_t seed = 1;
  for (const std::vector<dtype>& types : c.signatures)
    for (const wanted_rows& each : all) cases.push_back(softmax_case(c, types, each, seed++));
  return cases;
}

}  // namespace

std::vector<contract> causal_mask_contracts() {
  contract c;
  c.component = "causal_mask";
  c.variant = "fill";
  c.direction = "fwd";
  c.about = "the first i + 1 + k - q scores of row i, -infinity behind them";
  c.dimensions = {"batch", "q", "k"};
  c.inputs = {{"x", c.dimensions}};
  c.outputs = {{"y", c.dimensions}};
  for (const dtype t : {dtype::fp32, dtype::bf16, dtype::fp16}) c.signatures.push_back({t, t});
  c.takes_gaps = true;
  c.exact = exactly;
  c.precise = {"a copy", 0, in_many_digits};
  c.masked_share = [](const case_inputs& in) { return rows_of(in.id).masked_share(); };
  c.implementations = {
      a_copy("words", "a thread 16 bytes; in place only what is hidden is written"),
      a_copy("elements", "a thread an element, each of them written")};
  c.implementations.back().traffic = bytes_apart;
  c.cost_of = cost_of;
  c.cases = cases_of(c);
  c.decoy_case = softmax_case(c, c.signatures.front(), {26, 13, {"normal", {}}}, 1);
  c.timed_case = softmax_case(c, c.signatures.front(), {1, 1024, {"normal", {}}}, 1);
  c.timed_case.shape[1].value = 1024;
  c.properties = {{"what is visible comes out bit for bit", broken_copy},
                  {"what is hidden is -infinity, whatever stands there", broken_mask},
                  {"filling twice is filling once, bit for bit", broken_repetition},
                  {"the last row sees every key, each above it one less", broken_diagonal},
                  {"the order of the matrices changes no bit", broken_independence}};
  return {c};
}

}  // namespace assay::properties
