#include "properties/attention_numerics.hpp"

#include "properties/attention_traffic.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <cmath>

namespace assay::properties {
namespace {

bool holds_nan(std::span<const double> x) {
  return std::any_of(x.begin(), x.end(), [](double each) { return std::isnan(each); });
}

// A NaN in the query, or in a key that is seen or its bias, makes the row NaN in any arithmetic.
bool is_nan_row(const seen_row& row) {
  if (row.keys.count > 0 && holds_nan(row.q)) return true;
  for (std::int64_t j = 0; j < row.keys.count; ++j)
    if (row.is_there(j) && holds_nan(row.keys.row(j))) return true;
  return holds_nan(row.bias);
}

// Is each score off by 1/4 at most, a bias by four roundings (a product, log2(e), that product, the
// sum)? Then its exponential is by a third, no sum of them may be zero,
// and nothing overflows. (A dot product of d terms and the scale: d + 2 roundings of its terms'
// magnitudes. Scores of heads of 32 or more lie below 2^17 then, and m scale below 2^18: off by
// 2^-7.)
bool has_scores_in_reach(const seen_row& row, double scale) {
  for (std::int64_t j = 0; j < row.keys.count; ++j) {
    if (!row.is_there(j)) continue;
    double magnitude = 0;
    for (std::size_t d = 0; d < row.q.size(); ++d)
      magnitude += std::abs(row.q[d] * row.keys.row(j)[d]);
    const double rounded = (double(row.q.size()) + 2) * magnitude * scale,
                 bias = row.bias.empty() ? 0 : std::abs(row.bias[std::size_t(j)]);
    if (!(magnitude <= 0x1p120 && rounded + 4 * bias <= 0x1p22)) return false;
  }
  return true;
}

// Sums of weighted values stay below 2^120, with room for those factors, if the values' do; what is
// not finite is added with a weight that no kernel loses: 2^-14 of the largest, fp16's smallest
// normal number.
bool has_values_in_reach(const seen_row& row, double scale) {
  double magnitude = 0;
  bool finite = true;
  for (std::int64_t j = 0; j < row.values.count; ++j)
    for (const double v : row.values.row(j)) {
      if (!row.is_there(j)) break;
      finite = finite && std::isfinite(v);
      magnitude = std::max(magnitude, std::isfinite(v) ? std::abs(v) : 0);
    }
  if (!(magnitude * double(row.values.count) <= 0x1p115)) return false;
  if (finite) return true;
  const std::vector<double> s =
      reference::attention_scores(row.q, row.keys, scale, std::span(row.bias));
  const double most = *std::max_element(s.begin(), s.end());
  for (std::int64_t j = 0; j < row.values.count; ++j) {
    if (!row.is_there(j)) continue;
    bool beyond = false;
    for (const double v : row.values.row(j)) beyond = beyond || !std::isfinite(v);
    if (beyond && !(s[std::size_t(j)] - most > -14 * 0x1.62e42fefa39efp-1)) return false;
  }
  return true;
}

}  // namespace

std::vector<bool> promised_attention(const attention_variant& of, const case_inputs& in,
                                     std::size_t output) {
  const attention_shape shape = attention_shape::of(in.id);
  const double scale = scale_of(in).value;
  std::vector<bool> all(std::size_t(output == 0 ? shape.rows() * shape.width : shape.rows()));
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    const seen_row row = seen_by(of, shape, in, r);
    const bool holds = is_nan_row(row) || (has_scores_in_reach(row, scale) &&
                                           (output == 1 || has_values_in_reach(row, scale)));
    if (output == 1)
      all[std::size_t(shape.lse_at(row.at))] = holds;
    else
      std::fill_n(all.begin() + r * shape.width, shape.width, holds);
  }
  return all;
}

std::shared_ptr<const rounding_model> attention_model(const attention_variant& of,
                                                      attention_algorithm kind) {
  return make_model([of, kind](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    const attention_shape shape = attention_shape::of(in.id);
    const attention_scale scale = scale_of(in);
    const attention_arithmetic<arithmetic> rounds(a, kind, scale.value, scale.error,
                                                  format_of(in.id.types[k_values].type), of.adds());
    model_outputs<arithmetic> out(2);
    out[1].resize(std::size_t(shape.rows()));
    for (std::int64_t r = 0; r < shape.rows(); ++r) {
      const seen_row row = seen_by(of, shape, in, r);
      auto result = rounds.row(row.q, row.keys, row.values, row.range.first, row.bias);
      out[0].insert(out[0].end(), result.o.begin(), result.o.end());
      out[1][std::size_t(shape.lse_at(row.at))] = result.lse;
    }
    return out;
  });
}

namespace {

double traffic_of(const attention_variant& of, attention_algorithm kind, const case_id& id) {
  const case_inputs in = masks_drawn_by(of, id);
  if (kind == attention_algorithm::naive) return naive_attention_traffic(of, in);
  return flash_attention_traffic(of, in, kind == attention_algorithm::simple ? 32 : 64);
}

std::string declined_by_simple(const case_id& id) {
  if (id.types[k_queries].type != dtype::fp32) return "takes fp32";
  if (id.dimension("d") > 128) return "takes heads of 128 at most";
  return {};
}

}  // namespace

case_inputs masks_drawn_by(const attention_variant& of, const case_id& id) {
  const contract& c = contract_of(id);
  case_inputs in{id, std::vector<std::vector<double>>(c.inputs.size()), {}};
  for (const parameter_spec& each : c.parameters)
    in.parameters.push_back(value_of(id.shape, each.name, each.otherwise).as_double());
  if (of.has_fourth()) in.values[k_fourth] = drawn_input(c, id, k_fourth);
  return in;
}

std::string declined_by_mma(const case_id& id) {
  if (id.types[k_queries].type == dtype::fp32) return "takes bf16 and fp16";
  const std::int64_t width = id.dimension("d"), pad = value_of(id.shape, "pad", 0).as_integer();
  if (width != 32 && width != 64 && width != 96 && width != 128)
    return fmt::format("heads of {}; takes those of 32, 64, 96 and 128", width);
  if (pad % 8 != 0 || value_of(id.shape, "align", 256).as_integer() < 16)
    return "rows must begin at multiples of 16 bytes";
  return {};
}

std::vector<implementation> attention_implementations(const attention_variant& of) {
  struct described {
    attention_algorithm kind;
    const char *name, *about, *numerics;
    std::vector<dtype> dtypes;
    std::string (*declines)(const case_id&);
  };
  const described all[] = {
      {attention_algorithm::naive,
       "naive",
       "all scores, their softmax, the product with the values",
       "fp32: scores and outputs by fused multiply-adds in order; the sum of a row by 32 lanes, "
       "then "
       "halves",
       {},
       nullptr},
      {attention_algorithm::simple,
       "flash_simple",
       "flash attention, tiles of 32 queries and 32 keys",
       "fp32: scores and outputs by fused multiply-adds in order, rescaled where the maximum "
       "grows; "
       "the sum of a row by 4 lanes",
       {dtype::fp32},
       declined_by_simple},
      {attention_algorithm::mma,
       "flash_mma",
       "flash attention on tensor cores, tiles of 64 queries and 64 keys",
       "products of 16-bit numbers summed in fp32 in order (a tensor core: in blocks, truncated); "
       "weights 2^x by the special-function unit, to 16 bits for their product with the values",
       {dtype::bf16, dtype::fp16},
       declined_by_mma},
  };
  std::vector<implementation> made;
  for (const described& each : all) {
    implementation it;
    it.name = each.name;
    it.about = each.about;
    it.numerics = each.numerics;
    it.model = attention_model(of, each.kind);
    it.promises = [of](const case_inputs& in, std::size_t output) {
      return promised_attention(of, in, output);
    };
    it.domain_text = k_attention_domain;
    it.same_bits_on_emulator = each.kind != attention_algorithm::mma;
    it.dtypes = each.dtypes;
    it.traffic = [of, kind = each.kind](const case_id& id) { return traffic_of(of, kind, id); };
    if (each.declines) it.declines = each.declines;
    made.push_back(std::move(it));
  }
  return made;
}

}  // namespace assay::properties
