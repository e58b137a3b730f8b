#include "properties/multi_head_numerics.hpp"

#include "properties/attention_cases.hpp"
#include "properties/attention_numerics.hpp"
#include "properties/linear_numerics.hpp"
#include "properties/multi_head_model.hpp"
#include "properties/multi_head_reach.hpp"

#include <fmt/format.h>

#include <cmath>
#include <functional>

namespace assay::properties {
namespace {

std::shared_ptr<const rounding_model> model_of(const multi_head_variant& of,
                                               attention_algorithm kind) {
  return make_model([causal = of.causal, kind](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    const multi_head_shape shape = multi_head_shape::of(in);
    const dtype type = in.id.types[k_x].type;
    model_outputs<arithmetic> out(1);
    if (shape.channels == 0) return out;
    const multi_head_arithmetic<arithmetic> rounds(a, kind, shape, causal, type);
    for (std::int64_t b = 0; b < shape.batch; ++b) {
      const auto y = rounds.batch(shape.tokens_of(in, b), weights_of(in));
      out[0].insert(out[0].end(), y.begin(), y.end());
    }
    return out;
  });
}

// Both linear layers, and attention as its own contract has it.
double traffic_of(attention_algorithm kind, const std::string& name, const case_id& id) {
  const multi_head_shape shape = multi_head_shape::of(id);
  const double rows = double(shape.batch * shape.tokens), c = double(shape.channels),
               size = double(size_of(id.types[k_x].type));
  if (rows * c == 0) return 0;
  // With a bias for each result.
  const auto linear = [&](double out) {
    const std::int64_t tokens = shape.batch * shape.tokens;
    return 2 * rows * out * size +
           (kind == attention_algorithm::mma
                ? mma_product_traffic(tokens, shape.channels, std::int64_t(out), size, 0)
                : product_traffic(rows, c, out, size, 0));
  };
  const case_id within = attention_within(id);
  return linear(3 * c) + contract_of(within).find(name)->traffic(within) + linear(c);
}

std::string declined_by_simple(const case_id& id) {
  const std::int64_t width = multi_head_shape::of(id).width();
  if (id.types[k_x].type != dtype::fp32) return "takes fp32";
  return width > 128 ? fmt::format("heads of {}; takes those of 128 at most", width) : "";
}

}  // namespace

case_id attention_within(const case_id& id) {
  const multi_head_shape shape = multi_head_shape::of(id);
  case_id within{"attention", id.variant, id.direction, {}, {}, id.distribution, id.seed};
  for (const char* each : {"q", "k", "v", "o"}) within.types.push_back({each, id.types[k_x].type});
  within.types.push_back({"lse", dtype::fp32});
  within.shape = {{"batch", shape.batch}, {"q", shape.tokens}, {"k", shape.tokens},
                  {"heads", shape.heads}, {"group", 1},        {"d", shape.width()}};
  for (const char* each : {"align", "pad"})
    if (contains(id.shape, each)) within.shape.push_back({each, value_of(id.shape, each, 0)});
  return within;
}

std::vector<implementation> multi_head_implementations(const multi_head_variant& of) {
  struct described {
    attention_algorithm kind;
    const char *name, *about, *numerics;
    std::vector<dtype> dtypes;
    std::function<std::string(const case_id&)> declines;
  };
  const described all[] = {
      {attention_algorithm::naive,
       "naive",
       "linear, naive attention, linear; a thread an output",
       "fp32: products by fused multiply-adds in order, then the bias; attention as its naive. "
       "Queries, keys, values and joined heads are rounded to the dtype",
       {},
       nullptr},
      {attention_algorithm::simple,
       "flash_simple",
       "linear, flash attention, linear",
       "fp32: products by fused multiply-adds in order, then the bias; attention as its "
       "flash_simple",
       {dtype::fp32},
       declined_by_simple},
      {attention_algorithm::mma,
       "flash_mma",
       "linear, flash attention, linear, all on tensor cores",
       "products of 16-bit numbers summed in fp32 in order (a tensor core: in blocks, truncated), "
       "by chunks as linear's mma, then the bias; attention as its flash_mma. Queries, keys, "
       "values and joined heads are "
       "rounded to 16 bits",
       {dtype::bf16, dtype::fp16},
       [](const case_id& id) { return declined_by_mma(attention_within(id)); }}};
  std::vector<implementation> made;
  for (const described& each : all) {
    implementation it;
    it.name = each.name;
    it.about = each.about;
    it.numerics = each.numerics;
    it.model = model_of(of, each.kind);
    it.promises = [of](const case_inputs& in, std::size_t) { return promised_of(of, in); };
    it.domain_text =
        "rows whose scores are off by a quarter at most, by the errors of queries and keys and by "
        "their own roundings; those, and values, to 2^60 (fp16: 2^14), products with values and "
        "weights to 2^120; rows that see a NaN; columns of w_out or b_out with one";
    it.same_bits_on_emulator = each.kind != attention_algorithm::mma;
    it.dtypes = each.dtypes;
    it.traffic = [kind = each.kind, name = it.name](const case_id& id) {
      return traffic_of(kind, name, id);
    };
    if (each.declines) it.declines = each.declines;
    made.push_back(std::move(it));
  }
  return made;
}

}  // namespace assay::properties
