#include "properties/multi_head_properties.hpp"

#include "properties/attention_relations.hpp"
#include "properties/multi_head_numerics.hpp"
#include "properties/property.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

// The columns of a matrix or vector, the last of whose extents is `width`, in another order:
// column n is that which `from(n)` was.
template <class From>
void reorder_columns(std::vector<double>& all, std::int64_t width, const From& from) {
  const std::vector<double> before = all;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::int64_t n = std::int64_t(i) % width, row = std::int64_t(i) - n;
    all[i] = before[std::size_t(row + from(n))];
  }
}

// The last head first, with its columns of w_qkv and b_qkv and its rows of w_out.
std::string broken_heads(const subject& s) {
  const multi_head_shape shape = multi_head_shape::of(s.inputs());
  const std::int64_t c = shape.channels, width = shape.width();
  const auto turned = [&](std::int64_t channel) {
    return (shape.heads - 1 - channel / width) * width + channel % width;
  };
  if (c == 0) return {};
  case_inputs other = s.inputs();
  const auto packed = [&](std::int64_t n) { return n / c * c + turned(n % c); };
  reorder_columns(other.values[k_w_qkv], 3 * c, packed);
  reorder_columns(other.values[k_b_qkv], 3 * c, packed);
  // Rows of w_out are columns of c c elements in runs of c.
  reorder_columns(other.values[k_w_out], c * c,
                  [&](std::int64_t at) { return turned(at / c) * c + at % c; });
  return differ_in_reach(s.outputs(), s.outputs(other));
}

// Queries, keys and values are x itself, and y is o: attention of the heads that x splits into,
// which lie side by side in it already.
std::string broken_split(const subject& s) {
  const multi_head_shape shape = multi_head_shape::of(s.inputs());
  const std::int64_t c = shape.channels;
  case_inputs plain = s.inputs();
  for (double& x : plain.values[k_x]) x = coarse(x);
  for (const std::size_t t : {k_b_qkv, k_b_out})
    std::fill(plain.values[t].begin(), plain.values[t].end(), 0);
  for (const std::size_t t : {k_w_qkv, k_w_out}) {
    const std::int64_t width = t == k_w_qkv ? 3 * c : c;
    for (std::int64_t i = 0; i < c * width; ++i)
      plain.values[t][std::size_t(i)] = i % width % c == i / width;
  }
  case_inputs within{attention_within(s.inputs().id), {3, plain.values[k_x]}, {0}};
  std::erase_if(within.id.shape, [](const field& f) { return f.key == "align" || f.key == "pad"; });
  const std::vector<bounded_output> here = s.outputs(plain),
                                    there = s.with_function(within).outputs();
  for (std::size_t i = 0; i < here[0].got.size(); ++i)
    if (here[0].got[i] != there[0].got[i])  // zeros have no sign to keep
      return fmt::format("y[{}] = {:a}, and attention has {:a}", i, here[0].got[i],
                         there[0].got[i]);
  return {};
}

std::string broken_by_implementation(const subject& s) {
  return differ_in_reach(s.outputs(), s.with_implementation("naive").outputs());
}

// The last tokens strange: whoever stands before them does not notice.
std::string broken_causality(const subject& s) {
  const multi_head_shape shape = multi_head_shape::of(s.inputs());
  const std::vector<bounded_output> before = s.outputs();
  for (const double strange : {reference::k_nan, reference::k_infinity, 3.0})
    for (const std::int64_t first : {shape.tokens - 1, shape.tokens / 2}) {
      case_inputs other = s.inputs();
      const auto is_later = [&](std::size_t i) {
        return std::int64_t(i) / shape.channels % shape.tokens >= first;
      };
      for (std::size_t i = 0; i < other.values[k_x].size(); ++i)
        if (is_later(i)) other.values[k_x][i] = strange;
      const std::vector<bounded_output> after = s.outputs(other);
      for (std::size_t i = 0; i < before[0].got.size(); ++i) {
        if (is_later(i)) continue;
        if (std::string what = no_number(before[0], i); !what.empty()) return what;
        if (!reference::same(before[0].got[i], after[0].got[i]))
          return fmt::format("tokens from {} on made {}: y[{}] {:a} is now {:a}", first, strange, i,
                             before[0].got[i], after[0].got[i]);
      }
    }
  return {};
}

// Runs of `length` elements in the opposite order, within each of `outer` parts.
template <class T>
std::vector<T> turned(const std::vector<T>& all, std::int64_t outer, std::int64_t length) {
  std::vector<T> back;
  const std::int64_t part = std::int64_t(all.size()) / std::max<std::int64_t>(outer, 1);
  for (std::int64_t p = 0; p < outer; ++p)
    for (std::int64_t end = (p + 1) * part; end > p * part; end -= length)
      back.insert(back.end(), all.begin() + end - length, all.begin() + end);
  return back;
}

std::string broken_batches(const subject& s) {
  const multi_head_shape shape = multi_head_shape::of(s.inputs());
  if (shape.elements() == 0) return {};
  case_inputs other = s.inputs();
  other.values[k_x] = turned(other.values[k_x], 1, shape.elements());
  const bounded_output here = s.outputs()[0], there = s.outputs(other)[0];
  return unlike({here}, {{turned(there.got, 1, shape.elements()), {}}});
}

std::string broken_order(const subject& s) {
  const multi_head_shape shape = multi_head_shape::of(s.inputs());
  if (shape.elements() == 0) return {};
  case_inputs other = s.inputs();
  other.values[k_x] = turned(other.values[k_x], shape.batch, shape.channels);
  const bounded_output there = s.outputs(other)[0];
  return differ_in_reach(s.outputs(), {{turned(there.got, shape.batch, shape.channels),
                                        turned(there.reach, shape.batch, shape.channels)}});
}

// What is added to every key adds one number to all scores of a query.
std::string broken_key_bias(const subject& s) {
  const auto c = std::size_t(multi_head_shape::of(s.inputs()).channels);
  case_inputs without = s.inputs();
  for (std::size_t n = c; n < 2 * c; ++n) without.values[k_b_qkv][n] = 0;
  return differ_in_reach(s.outputs(), s.outputs(without));
}

std::string broken_output_bias(const subject& s) {
  case_inputs bare = s.inputs();
  for (double& w : bare.values[k_w_out]) w = 0;
  const bounded_output y = s.outputs(bare)[0];
  const std::vector<double>& bias = bare.values[k_b_out];
  for (std::size_t i = 0; i < y.got.size(); ++i)
    if (y.reach[i] != reference::k_infinity && y.got[i] != bias[i % bias.size()])
      return fmt::format("y[{}] = {:a} where the bias is {:a}", i, y.got[i], bias[i % bias.size()]);
  return {};
}

}  // namespace

void add_multi_head_properties(contract& c, const multi_head_variant& of) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  add("heads in another order, with their weights, change nothing", broken_heads);
  add("with projections that do nothing it is attention of the split channels, bit for bit",
      broken_split);
  add("flash attention is naive attention", broken_by_implementation);
  add("a bias of the keys changes nothing", broken_key_bias);
  add("without a projection of the output its bias is left", broken_output_bias);
  add("batches in the opposite order have their outputs in that order, bit for bit",
      broken_batches);
  if (of.causal)
    add("later tokens change no bit of a row", broken_causality);
  else
    add("tokens in the opposite order have their outputs in that order", broken_order);
}

}  // namespace assay::properties
