#include "reference/linear_attention.hpp"

#include "properties/attention_cases.hpp"
#include "properties/attention_row_properties.hpp"
#include "properties/contract.hpp"
#include "properties/linear_attention_numerics.hpp"
#include "properties/linear_attention_precise.hpp"

namespace assay::properties {
namespace {

std::vector<truth> exact_outputs(const attention_variant& of, const case_inputs& in) {
  const attention_shape shape = attention_shape::of(in.id);
  const auto features = [&](std::size_t t) {
    return reference::linear_features(std::span<const double>(in.values[t]));
  };
  const std::vector<double> queries = features(k_queries), keys = features(k_keys);
  truth o;
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const seen_row row = seen_by(of, shape, in, r);
    const std::span<const double> query(queries.data() + r * shape.width, std::size_t(shape.width));
    const auto seen = shape.head(keys, row.at).rows(row.range.first, row.range.last);
    for (const auto& each : reference::attend_linearly_with_error(query, seen, row.values)) {
      o.value.push_back(each.value);
      o.error.push_back(each.error);
    }
  }
  return {o};
}

void add_tensors(contract& c) {
  c.dimensions = {"batch", "q", "k", "heads", "group", "d"};
  c.usual = {{"d", {32, 64, 96, 128, 1, 20}}, {"k", {}}, {"q", {}}};
  const std::vector<std::string> queries = {"batch", "q", "heads", "group", "d"},
                                 keys = {"batch", "k", "heads", "d"};
  c.inputs = {{"q", queries}, {"k", keys}, {"v", keys}};
  c.outputs = {{"o", queries}};
  for (dtype t : {dtype::fp32, dtype::bf16, dtype::fp16})
    c.signatures.push_back(std::vector<dtype>(4, t));
}

// Every tensor once; each key into a state of d (d + 1), and each query through it.
cost cost_of(const case_id& id) {
  const attention_shape shape = attention_shape::of(id);
  const double width = double(shape.width), queries = double(shape.rows()),
               keys = double(shape.batch * shape.heads * shape.keys);
  return {(2 * queries + 2 * keys) * width * double(size_of(id.types[0].type)),
          2 * (queries + keys) * width * (width + 1)};
}

std::vector<case_id> cases_of(const contract& c) {
  return attention_cases(c, {
                                {0, 3, 3, 1, 1, 32, {"normal", {}}},
                                {1, 0, 4, 2, 1, 32, {"normal", {}}},
                                {2, 3, 0, 1, 1, 32, {"normal", {}}},
                                {1, 1, 1, 1, 1, 32, {"normal", {}}},
                                {2, 5, 7, 1, 2, 8, {"normal", {}}},
                                {2, 9, 9, 2, 1, 32, {"normal", {}}},
                                {2, 3, 2, 1, 1, 32, {"special", {}}},
                                {1, 33, 17, 1, 1, 64, {"tails", {}}, 16},
                                {1, 65, 130, 1, 1, 64, {"normal", {}}},
                                {1, 70, 33, 1, 2, 32, {"normal", {}}},
                                {1, 40, 97, 1, 1, 96, {"normal", {{"scale", 3}}}},
                                {1, 12, 64, 1, 1, 128, {"uniform", {{"low", -2}, {"high", 2}}}},
                                {1, 32, 32, 1, 1, 1, {"normal", {}}},
                                {1, 6, 70, 1, 1, 32, {"wide", {}}},
                                {1, 10, 24, 1, 1, 32, {"exact", {}}},
                                {2, 20, 20, 1, 1, 32, {"constant", {{"value", -0.75}}}},
                                {2, 7, 21, 2, 2, 32, {"normal", {}}, 256, 8},
                                {1, 34, 64, 2, 1, 20, {"normal", {}}, 1, 3},
                            });
}

std::string broken_by_implementation(const subject& s) {
  return differ_in_reach(s.outputs(), s.with_implementation("quadratic").outputs());
}

// The last query sees all keys under a causal mask too: it alone, given to the other variant.
std::string broken_last_query(const subject& s) {
  const attention_shape shape = attention_shape::of(s.inputs().id);
  if (shape.queries == 0) return {};
  case_inputs last = s.inputs();
  last.id.variant = "dense";
  for (field& each : last.id.shape)
    if (each.key == "q") each.value = std::int64_t(1);
  const std::int64_t one = shape.heads * shape.group * shape.width;
  const auto of_last = [&](const std::vector<double>& all) {
    std::vector<double> some;
    for (std::int64_t b = 0; b < shape.batch; ++b) {
      const auto end = all.begin() + (b + 1) * shape.queries * one;
      some.insert(some.end(), end - one, end);
    }
    return some;
  };
  last.values[k_queries] = of_last(s.inputs().values[k_queries]);
  const bounded_output causal = s.outputs()[0];
  return differ_in_reach({{of_last(causal.got), of_last(causal.reach)}},
                         s.with_function(last).outputs());
}

// The batches of a tensor in the opposite order.
std::vector<double> turned(const std::vector<double>& all, std::int64_t batches) {
  const std::int64_t each = std::int64_t(all.size()) / std::max<std::int64_t>(batches, 1);
  std::vector<double> back;
  for (std::int64_t b = batches; b-- > 0;)
    back.insert(back.end(), all.begin() + b * each, all.begin() + (b + 1) * each);
  return back;
}

std::string broken_batches(const subject& s) {
  const std::int64_t batches = attention_shape::of(s.inputs().id).batch;
  case_inputs other = s.inputs();
  for (std::vector<double>& each : other.values) each = turned(each, batches);
  const bounded_output here = s.outputs()[0], there = s.outputs(other)[0];
  return unlike({here}, {{turned(there.got, batches), turned(there.reach, batches)}});
}

void add_properties(contract& c, const attention_variant& of) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  add("each output lies between the least and the largest value of its column", broken_average);
  add("equal values return themselves", broken_constant);
  add("what a row does not see changes no bit of it", broken_blindness);
  add("a state of all keys is as good as all pairs", broken_by_implementation);
  add("heads that share keys are heads with copies of them, bit for bit", broken_groups);
  add("batches in the opposite order have their outputs in that order, bit for bit",
      broken_batches);
  if (of.causal)
    add("the last query sees all keys, as without a mask", broken_last_query);
  else
    add("the order of keys and values means nothing", broken_permutation);
}

contract contract_for(const attention_variant& of) {
  contract c;
  c.component = "linear_attention";
  c.variant = of.name;
  c.direction = "fwd";
  c.about =
      "o = phi(q) (phi(k)^T v) / (phi(q) sum phi(k)), phi(x) = elu(x) + 1; a query sees " + of.sees;
  c.takes_gaps = true;
  add_tensors(c);
  c.exact = [of](const case_inputs& in) { return exact_outputs(of, in); };
  c.precise = precise_linear_attention(of);
  c.policies = [] { return std::vector<comparison_policy>(1, {.zero_sign = false}); };
  // The elements of a row share its weights and their sum.
  c.group = [](const case_id& id, std::size_t) {
    return std::max<std::int64_t>(id.dimension("d"), 1);
  };
  c.implementations = linear_attention_implementations(of);
  add_properties(c, of);
  c.cases = cases_of(c);
  const std::vector<dtype>& types = c.signatures.front();
  c.decoy_case = attention_case(c, types, {2, 6, 37, 1, 2, 32, {"normal", {}}}, 1);
  c.timed_case = attention_case(c, types, {1, 256, 256, 1, 1, 64, {"normal", {}}}, 1);
  c.cost_of = cost_of;
  return c;
}

}  // namespace

std::vector<contract> linear_attention_contracts() {
  const std::vector<attention_variant> variants = {
      {.name = "dense", .sees = "all keys"},
      {.name = "causal", .sees = "the first i + 1 + k - q keys", .causal = true}};
  std::vector<contract> all;
  for (const attention_variant& of : variants) all.push_back(contract_for(of));
  return all;
}

}  // namespace assay::properties
