#include "properties/attention_decode_properties.hpp"

#include "properties/attention_relations.hpp"
#include "properties/attention_row_properties.hpp"

#include <algorithm>

namespace assay::properties {
namespace {

using outputs_of_case = std::vector<bounded_output>;

void resize(case_id& id, const std::string& dimension, std::int64_t size) {
  for (field& each : id.shape)
    if (each.key == dimension) each.value = size;
}

template <class T>
std::vector<T> part(const std::vector<T>& all, std::int64_t first, std::int64_t count) {
  const auto begin = all.begin() + first;
  return {begin, begin + count};
}

// Of each output the elements of one batch.
outputs_of_case of_batch(const outputs_of_case& all, std::int64_t batch, std::int64_t batches) {
  outputs_of_case some;
  for (const bounded_output& each : all) {
    const std::int64_t count = std::int64_t(each.got.size()) / batches;
    some.push_back({part(each.got, batch * count, count), part(each.reach, batch * count, count)});
  }
  return some;
}

// One sequence of the case alone.
case_inputs one_batch(const case_inputs& in, std::int64_t batch) {
  const std::int64_t batches = in.id.dimension("batch");
  case_inputs alone = in;
  resize(alone.id, "batch", 1);
  for (std::vector<double>& each : alone.values) {
    const std::int64_t count = std::int64_t(each.size()) / batches;
    each = part(each, batch * count, count);
  }
  return alone;
}

// The inputs of attention.causal.fwd: the keys of one sequence, and no more; before its queries, as
// many more as there are keys before theirs, if wanted.
case_inputs as_prefill(const case_inputs& in, std::int64_t batch, bool whole) {
  const attention_shape shape = attention_shape::of(in.id);
  const std::int64_t keys = keys_of(variant_of(in), in, batch),
                     query = shape.heads * shape.group * shape.width;
  case_inputs causal = one_batch(in, batch);
  causal.id.variant = "causal";
  causal.id.types.erase(causal.id.types.begin() + k_fourth);
  causal.values.erase(causal.values.begin() + k_fourth);
  resize(causal.id, "k", keys);
  for (const std::size_t t : {k_keys, k_values})
    causal.values[t].resize(std::size_t(keys * shape.heads * shape.width));
  if (whole && keys > shape.queries) {
    resize(causal.id, "q", keys);
    std::vector<double>& q = causal.values[k_queries];
    q.insert(q.begin(), std::size_t((keys - shape.queries) * query), 0.5);
  }
  return causal;
}

// Of a prefill of one sequence the results of the last queries.
outputs_of_case last_queries(const outputs_of_case& all, const case_inputs& prefill,
                             std::int64_t queries) {
  const attention_shape shape = attention_shape::of(prefill.id);
  const std::int64_t before = shape.queries - queries, heads = shape.heads * shape.group,
                     row = heads * shape.width;
  const auto of_o = [&](const std::vector<double>& x) {
    return part(x, before * row, queries * row);
  };
  const auto of_lse = [&](const std::vector<double>& x) {
    std::vector<double> some;
    for (std::int64_t h = 0; h < heads; ++h) {
      const auto mine = part(x, h * shape.queries + before, queries);
      some.insert(some.end(), mine.begin(), mine.end());
    }
    return some;
  };
  return {{of_o(all[0].got), of_o(all[0].reach)}, {of_lse(all[1].got), of_lse(all[1].reach)}};
}

std::string unlike_prefill(const subject& s, const case_inputs& in, bool whole) {
  const attention_shape shape = attention_shape::of(in.id);
  const outputs_of_case decoded = s.outputs(in);
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    const case_inputs causal = as_prefill(in, b, whole);
    const outputs_of_case prefilled =
        s.with_implementation("naive").with_function(causal).outputs();
    const std::string what = differ_in_reach(of_batch(decoded, b, shape.batch),
                                             last_queries(prefilled, causal, shape.queries));
    if (!what.empty()) return fmt::format("batch {}: {}", b, what);
  }
  return {};
}

case_inputs shortened(const subject& s, std::int64_t keys) {
  return s.with_values(k_fourth, [keys](double n) { return std::min(n, double(keys)); });
}

std::string broken_chunk(const subject& s) { return unlike_prefill(s, s.inputs(), false); }
std::string broken_prefill(const subject& s) { return unlike_prefill(s, shortened(s, 24), true); }

// Each query alone, when its own key was the newest.
std::string broken_steps(const subject& s) {
  const case_inputs& in = s.inputs();
  const attention_shape shape = attention_shape::of(in.id);
  const outputs_of_case together = s.outputs();
  const std::int64_t row = shape.heads * shape.group * shape.width;
  for (std::int64_t i = 0; i < shape.queries; i += std::max<std::int64_t>(1, shape.queries / 3)) {
    case_inputs step = in;
    resize(step.id, "q", 1);
    step.values[k_queries].clear();
    outputs_of_case expected(2);
    for (std::int64_t b = 0; b < shape.batch; ++b) {
      step.values[k_fourth][std::size_t(b)] =
          double(keys_of(variant_of(in), in, b) - shape.queries + 1 + i);
      const std::int64_t at = (b * shape.queries + i) * row;
      const auto q = part(in.values[k_queries], at, row);
      step.values[k_queries].insert(step.values[k_queries].end(), q.begin(), q.end());
      for (std::int64_t d = at; d < at + row; ++d) {
        expected[0].got.push_back(together[0].got[std::size_t(d)]);
        expected[0].reach.push_back(together[0].reach[std::size_t(d)]);
      }
      for (std::int64_t h = 0; h < shape.heads * shape.group; ++h) {
        const auto lse = std::size_t((b * shape.heads * shape.group + h) * shape.queries + i);
        expected[1].got.push_back(together[1].got[lse]);
        expected[1].reach.push_back(together[1].reach[lse]);
      }
    }
    const std::string what = unlike(expected, s.outputs(step));
    if (!what.empty()) return fmt::format("query {}: {}", i, what);
  }
  return {};
}

// A sequence alone, and among others that are not what they were.
std::string broken_batches(const subject& s) {
  const case_inputs& in = s.inputs();
  const std::int64_t batches = in.id.dimension("batch");
  const outputs_of_case all = s.outputs();
  for (std::int64_t b = 0; b < batches; b += std::max<std::int64_t>(1, batches - 1)) {
    std::string what = unlike(of_batch(all, b, batches), s.outputs(one_batch(in, b)));
    if (!what.empty()) return fmt::format("batch {} alone: {}", b, what);
    case_inputs other = in;
    for (std::size_t t = 0; t < other.values.size(); ++t) {
      const std::int64_t count = std::int64_t(other.values[t].size()) / batches;
      for (std::int64_t i = 0; i < batches * count; ++i)
        if (i / count != b) other.values[t][std::size_t(i)] = t == k_fourth ? 0x1p30 : 3;
    }
    what = unlike(of_batch(all, b, batches), of_batch(s.outputs(other), b, batches));
    if (!what.empty()) return fmt::format("batch {} among others: {}", b, what);
  }
  return {};
}

std::string broken_by_naive(const subject& s) {
  return differ_in_reach(s.outputs(), s.with_implementation("naive").outputs());
}
std::string broken_by_split(const subject& s) {
  return differ_in_reach(s.outputs(), s.with_implementation("split_64").outputs());
}
std::string broken_one_split(const subject& s) {
  const case_inputs in = shortened(s, 64);
  return unlike(s.with_implementation("split").outputs(in),
                s.with_implementation("split_64").outputs(in));
}

}  // namespace

void add_decode_properties(contract& c) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  add("each output lies between the least and the largest value of its column", broken_average);
  add("equal values return themselves", broken_constant);
  add("what a row does not see changes no bit of it", broken_blindness);
  add("heads that share keys are heads with copies of them, bit for bit", broken_groups);
  add("splitting the keys changes nothing", broken_by_naive);
  add("so many splits are as good as any other number", broken_by_split);
  add("one split, put together from itself, is that split bit for bit", broken_one_split);
  add("decoding is prefill of the newest queries", broken_chunk);
  add("decoding ends where prefill of the whole sequence does", broken_prefill);
  add("queries decoded together are decoded one by one, bit for bit", broken_steps);
  add("no bit of a sequence depends on the others of its batch", broken_batches);
}

}  // namespace assay::properties
