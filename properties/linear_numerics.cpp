#include "properties/linear_numerics.hpp"

#include "properties/linear_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

struct described {
  const char *name, *about, *numerics;
  product_algorithm kind = product_algorithm::in_order;
  int tile = 0;  // as mma_product_traffic and product_traffic take it
  bool columns_in_order = false;
  std::vector<dtype> dtypes = {};

  bool is_on_tensor_cores() const { return kind == product_algorithm::tensor_cores; }
};

const described k_all[] = {
    {.name = "naive",
     .about = "a thread an output",
     .numerics = "fp32: products by fused multiply-adds in order",
     .columns_in_order = true},
    {.name = "tiled",
     .about = "tiles of 64 x 64 through shared memory",
     .numerics = "fp32: products by fused multiply-adds in order",
     .tile = 64,
     .dtypes = {dtype::fp32}},
    {.name = "mma",
     .about = "tensor cores, tiles of 64 x 64 or 128 x 128; few tiles: split over the inner "
              "dimension",
     .numerics = "products of 16-bit numbers summed in fp32 in order (a tensor core: in blocks, "
                 "truncated), by chunks of a length that columns and inner dimension give, and "
                 "those in order",
     .kind = product_algorithm::tensor_cores,
     .dtypes = {dtype::bf16, dtype::fp16}},
    {.name = "mma_128",
     .about = "tensor cores, tiles of 128 x 128",
     .numerics = "as mma, bit for bit",
     .kind = product_algorithm::tensor_cores,
     .tile = 128,
     .dtypes = {dtype::bf16, dtype::fp16}}};

template <class Arithmetic>
model_outputs<Arithmetic> outputs_of(const Arithmetic& a, const linear_variant& of,
                                     const described& by, const case_inputs& in) {
  const product_arithmetic<Arithmetic> rounds(a, by.kind);
  model_outputs<Arithmetic> all;
  for (const linear_sums& each : sums_of(of, in))
    all.push_back(each.of_columns ? column_sums(a, each, column_order(by.columns_in_order))
                                  : rounds.product(each));
  if (!of.gelu || !is_forward(in.id)) return all;
  const gelu_function gelu{*of.gelu};
  std::vector<typename Arithmetic::value> y;
  for (const auto& pre : all[0]) y.push_back(gelu.of(a, pre));
  return {std::move(y), std::move(all[0])};
}

std::shared_ptr<const rounding_model> model_of(const linear_variant& of, const described& by) {
  return make_model(
      [of, by](const auto& a, const case_inputs& in) { return outputs_of(a, of, by, in); });
}

// Of sums: is any of its terms NaN (infinity times 0 is), or do those that are finite add up to
// 2^120 at most, whatever the order? Then nothing overflows on the way.
void append_promises(std::vector<bool>& all, const linear_sums& of) {
  for (std::int64_t i = 0; i < of.left.rows; ++i)
    for (std::int64_t n = 0; n < of.right.columns; ++n) {
      double sum = 0;
      bool nan = false;
      const auto take = [&](double term) {
        nan = nan || std::isnan(term);
        if (std::isfinite(term)) sum += std::abs(term);
      };
      for (std::int64_t k = 0; k < of.left.columns; ++k) take(of.left.at(i, k) * of.right.at(k, n));
      if (!of.row.empty()) take(of.row[std::size_t(n)]);
      if (!of.all.empty()) take(of.all[std::size_t(i * of.right.columns + n)]);
      all.push_back(nan || sum <= 0x1p120);
    }
}

std::vector<bool> promised(const linear_variant& of, const case_inputs& in, std::size_t output) {
  const std::vector<linear_sums> sums = sums_of(of, in);
  std::vector<bool> all;
  append_promises(all, sums[is_forward(in.id) ? 0 : output]);
  return all;
}

double sums_traffic(const described& by, const linear_sums& of, double size) {
  const double rows = double(of.left.rows), inner = double(of.left.columns),
               columns = double(of.right.columns);
  if (!of.of_columns)
    return by.is_on_tensor_cores()
               ? mma_product_traffic(of.left.rows, of.left.columns, of.right.columns, size, by.tile)
               : product_traffic(rows, inner, columns, size, by.tile);
  const double parts = std::max(1.0, std::ceil(inner / 256));
  return inner * columns * size + (by.columns_in_order ? 0 : 2 * parts * columns * 4);
}

// The sums, and of each element of an output: that, its bias, its residual.
double traffic_of(const linear_variant& of, const described& by, const case_id& id) {
  case_inputs shape{id, std::vector<std::vector<double>>(id.types.size()), {}};
  const double size = double(size_of(id.types[0].type));
  double bytes = 0;
  for (const linear_sums& each : sums_of(of, shape)) {
    const double elements = double(each.elements());
    if (elements > 0) bytes += sums_traffic(by, each, size) + elements * size;
    if (is_forward(id)) bytes += elements * size * (of.biased + of.residual + of.gelu.has_value());
  }
  return bytes;
}

}  // namespace

double product_traffic(double rows, double inner, double columns, double size, int tile) {
  const auto times = [&](double extent) { return tile == 0 ? extent : std::ceil(extent / tile); };
  return inner * size * (rows * times(columns) + columns * times(rows));
}

double mma_product_traffic(std::int64_t rows, std::int64_t inner, std::int64_t columns, double size,
                           int tile) {
  const optimized::product_plan plan = optimized::plan_of(rows, columns, inner, tile);
  return product_traffic(double(rows), double(inner), double(columns), size, plan.tile) +
         2.0 * double(plan.parts(rows, columns)) * sizeof(float);
}

std::vector<implementation> linear_implementations(const linear_variant& of, bool forward) {
  std::vector<implementation> made;
  for (const described& each : k_all) {
    implementation it;
    it.name = each.name;
    it.about = each.about;
    it.numerics = each.numerics;
    if (forward && of.biased) it.numerics += "; then the bias";
    if (forward && of.residual) it.numerics += ", then the residual";
    if (forward && of.gelu) it.numerics += "; its GELU by the fused routine, of the fp32 sum";
    if (!forward && of.biased)
      it.numerics += "; db by " + column_order(each.columns_in_order).text();
    it.numerics += "; rounded once";
    it.model = model_of(of, each);
    it.promises = [of](const case_inputs& in, std::size_t output) {
      return promised(of, in, output);
    };
    it.domain_text = "sums one of whose terms is NaN, or whose finite terms come to 2^120 at most";
    it.same_bits_on_emulator = !each.is_on_tensor_cores();
    it.dtypes = each.dtypes;
    if (!each.dtypes.empty())
      it.declines = [each](const case_id& id) {
        const bool taken = std::find(each.dtypes.begin(), each.dtypes.end(), id.types[0].type) !=
                           each.dtypes.end();
        return taken ? "" : each.is_on_tensor_cores() ? "takes bf16 and fp16" : "takes fp32";
      };
    it.traffic = [of, each](const case_id& id) { return traffic_of(of, each, id); };
    made.push_back(std::move(it));
  }
  return made;
}

}  // namespace assay::properties
