#include "properties/attention_gradient_numerics.hpp"

#include "properties/attention_gradient_model.hpp"
#include "properties/attention_head.hpp"
#include "properties/attention_numerics.hpp"
#include "properties/attention_traffic.hpp"
#include "properties/values.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

// What can be said of what a pair of a query and a key adds to its gradients, in any order of
// operations: that it is finite, and so is all that it comes from; that it is NaN; or nothing.
enum class addend { finite, nan, open };

struct pair_addends {
  addend score = addend::finite;   // to dq and dk
  addend weight = addend::finite;  // to dv
};

struct reach {
  double scale = 1;
  double gradients = 0;  // largest sum of magnitudes of products with values and outputs
};

bool holds_nan(std::span<const double> x) {
  return std::any_of(x.begin(), x.end(), [](double each) { return std::isnan(each); });
}
double magnitude_of(std::span<const double> x, std::span<const double> y) {
  double sum = 0;
  for (std::size_t d = 0; d < x.size(); ++d) sum += std::abs(x[d] * y[d]);
  return sum;
}
bool stays_below(std::span<const double> x, double limit) {
  return std::all_of(x.begin(), x.end(), [&](double each) { return std::abs(each) <= limit; });
}

// Scores off by 1/16 at most (as in the forward pass), and below their log-sum-exp plus 1: weights
// are below 8 in any arithmetic. Gradients of scores then stay below 8 times `gradients`, and sums
// of 2^18 / scale products of those with numbers up to 2^50 below 2^121.
pair_addends addends_of(const reference::attention_results<double>& of, std::int64_t i,
                        std::int64_t j, const reach& limits) {
  const auto q = of.q.row(i), k = of.k.row(j), v = of.v.row(j), o = of.o.row(i),
             grad = of.grad.row(i);
  const double lse = of.lse[std::size_t(i)],
               bias = of.bias.empty() ? 0 : of.biases(i)[std::size_t(j)];
  const bool apart =
      lse == -reference::k_infinity;  // its weight is 0, whatever it is multiplied by
  const bool nan = holds_nan(v) || holds_nan(o) || holds_nan(grad);
  if (holds_nan(q) || holds_nan(k) || std::isnan(lse) || std::isnan(bias) || (apart && nan)) {
    const addend adds = apart ? addend::open : addend::nan;
    return {adds, adds};
  }
  double score = 0;
  for (std::size_t d = 0; d < q.size(); ++d) score += q[d] * k[d];
  const bool has_weight = std::abs(lse) <= 0x1p20 && score * limits.scale + bias <= lse + 1;
  const double rounded = (double(q.size()) + 2) * magnitude_of(q, k) * limits.scale;
  const bool in_reach = rounded + 4 * std::abs(bias) <= 0x1p20 && (apart || has_weight) &&
                        stays_below(q, 0x1p50) && stays_below(k, 0x1p50);
  if (!in_reach) return {addend::open, addend::open};
  const bool far =
      std::any_of(grad.begin(), grad.end(), [](double each) { return std::abs(each) > 0x1p50; });
  pair_addends adds{addend::finite, far ? addend::open : addend::finite};
  if (nan)
    adds.score = addend::nan;
  else if (!(magnitude_of(grad, v) + magnitude_of(grad, o) <= limits.gradients))
    adds.score = addend::open;
  return adds;
}

addend both(addend left, addend right) {
  if (left == addend::nan || right == addend::nan) return addend::nan;
  return left == addend::open || right == addend::open ? addend::open : addend::finite;
}

std::vector<bool> promised(const attention_variant& of, const case_inputs& in, std::size_t output) {
  const attention_shape shape = attention_shape::of(in.id);
  const std::int64_t rows = output == 0 ? shape.rows() : shape.batch * shape.keys * shape.heads;
  // What is rounded to fp16 stays below 2^13 times 8.
  const reach limits{scale_of(in).value,
                     in.id.types[k_queries].type == dtype::fp16 ? 0x1p12 : 0x1p50};
  std::vector<bool> all(std::size_t(rows * shape.width), true);
  const bool few = double(shape.queries * shape.group + shape.keys) * limits.scale <= 0x1p18;
  for_each_head(of, in, [&](const attention_head& head) {
    const auto& all_of = head.results;
    std::vector<addend> queries(std::size_t(all_of.q.count), addend::finite),
        keys(std::size_t(all_of.k.count), addend::finite);
    for (std::int64_t i = 0; i < all_of.q.count; ++i) {
      const reference::key_range seen = all_of.seen[std::size_t(i)];
      for (std::int64_t j = seen.first; j < seen.last; ++j) {
        if (!reference::is_there(all_of.biases(i), j)) continue;
        const pair_addends adds = addends_of(all_of, i, j, limits);
        addend &query = queries[std::size_t(i)], &key = keys[std::size_t(j)];
        query = both(query, adds.score);
        key = both(key, output == 2 ? adds.weight : adds.score);
      }
    }
    const std::vector<addend>& asked = output == 0 ? queries : keys;
    for (std::size_t r = 0; r < asked.size(); ++r) {
      const std::int64_t row =
          output == 0 ? head.row_of_query(std::int64_t(r)) : head.row_of_key(std::int64_t(r));
      const bool holds = asked[r] == addend::nan || (few && asked[r] == addend::finite);
      std::fill_n(all.begin() + row * shape.width, shape.width, holds);
    }
  });
  return all;
}

std::shared_ptr<const rounding_model> model_of(const attention_variant& of,
                                               gradient_algorithm kind) {
  return make_model([of, kind](const auto& a, const case_inputs& in) {
    using arithmetic = std::decay_t<decltype(a)>;
    using value = typename arithmetic::value;
    const attention_scale scale = scale_of(in);
    const attention_gradient_arithmetic<arithmetic> rounds(
        a, kind, scale.value, scale.error, format_of(in.id.types[k_queries].type), of.adds());
    auto all = gradients_of_heads<value>(of, in,
                                         [&](const auto& results) { return rounds.head(results); });
    return model_outputs<arithmetic>{std::move(all.dq), std::move(all.dk), std::move(all.dv)};
  });
}

implementation flash_implementation(const attention_variant& of, bool in_one_pass) {
  implementation flash;
  flash.name = in_one_pass ? "flash_mma_atomic" : "flash_mma";
  flash.about = in_one_pass
                    ? "flash attention's gradients on tensor cores, tiles of 64; dq by atomics"
                    : "flash attention's gradients on tensor cores, tiles of 64; one pass for "
                      "dk and dv, one for dq";
  flash.numerics =
      "products of 16-bit numbers summed in fp32 in order (a tensor core: in blocks, truncated); "
      "weights 2^x by the special-function unit, these and gradients of scores to 16 bits for "
      "their products; deltas by 32 lanes, then halves";
  if (in_one_pass) flash.numerics += "; dq of a tile of 64 keys, then those in any order";
  flash.model =
      model_of(of, in_one_pass ? gradient_algorithm::atomic : gradient_algorithm::two_passes);
  flash.traffic = [of, in_one_pass](const case_id& id) {
    return flash_gradient_traffic(of, masks_drawn_by(of, id), in_one_pass);
  };
  flash.deterministic = !in_one_pass;
  flash.same_bits_on_emulator = false;
  flash.dtypes = {dtype::bf16, dtype::fp16};
  flash.declines = declined_by_mma;
  return flash;
}

}  // namespace

std::vector<implementation> attention_gradient_implementations(const attention_variant& of) {
  implementation naive;
  naive.name = "naive";
  naive.about = "weights and gradients of all scores, and their products";
  naive.numerics =
      "fp32: products by fused multiply-adds in order; deltas by 32 lanes, then halves";
  naive.model = model_of(of, gradient_algorithm::naive);
  naive.traffic = [of](const case_id& id) {
    return naive_gradient_traffic(of, masks_drawn_by(of, id));
  };

  std::vector<implementation> all{std::move(naive), flash_implementation(of, false),
                                  flash_implementation(of, true)};
  for (implementation& each : all) {
    each.promises = [of](const case_inputs& in, std::size_t output) {
      return promised(of, in, output);
    };
    each.domain_text =
        "pairs of which (d + 2) times what the score's products add up to, and 4 times its bias, "
        "come to 2^20 at most, with scores below their log-sum-exp plus 1; queries, keys and "
        "gradients up to 2^50, whose products with values and outputs add up to 2^50 at most "
        "(fp16: 2^12); 2^18 / scale of them";
  }
  return all;
}

}  // namespace assay::properties
