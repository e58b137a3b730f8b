#include "properties/attention_map.hpp"

#include "properties/finite.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace assay::properties {
namespace {

// A row's sums are those of its weights and of its weighted values, relative to the sum of weights:
// (o, 1). A block of keys has a part w of them; left out, it leaves the sums off by exactly -w,
// which o = sums / sum and lse together show, o alone does not. Behind the values stands the
// weight, times the values' size, so that both are of one magnitude.
using row_sums = std::vector<double>;

double product(const row_sums& a, const row_sums& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

struct blocks_of_keys {
  std::int64_t first = 0;       // block
  std::vector<row_sums> parts;  // of each block from there on
  double size = 1;              // of values
};

blocks_of_keys parts_of(const seen_row& row, double scale, std::int64_t block) {
  std::vector<double> p = reference::attention_scores(row.q, row.keys, scale, std::span(row.bias));
  const double most = *std::max_element(p.begin(), p.end());
  for (double& each : p) each = std::exp(each - most);
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  blocks_of_keys all{row.range.first / block, {}, 1};
  const auto width = std::size_t(row.values.width);
  all.parts.assign(std::size_t((row.range.last - 1) / block - all.first + 1), row_sums(width + 1));
  double squares = 0;
  for (std::int64_t j = 0; j < row.keys.count; ++j) {
    row_sums& part = all.parts[std::size_t((row.range.first + j) / block - all.first)];
    const double weight = p[std::size_t(j)] / sum;
    const std::span<const double> v = row.values.row(j);
    for (std::size_t d = 0; d < width; ++d) {
      part[d] += weight * v[d];
      squares += weight * v[d] * v[d] / double(width);
    }
    part[width] += weight;
  }
  if (squares > 0 && std::isfinite(squares)) all.size = std::sqrt(squares);
  for (row_sums& part : all.parts) part[width] *= all.size;
  return all;
}

// What the sums are off by; nothing where that is no number.
row_sums error_of(const mapped_run& run, std::int64_t width, std::int64_t r, std::int64_t lse,
                  double size) {
  const double more = std::exp(run.got[1][std::size_t(lse)] - run.exact[1].value[std::size_t(lse)]);
  row_sums error;
  for (std::int64_t d = 0; d < width; ++d) {
    const auto i = std::size_t(r * width + d);
    error.push_back(more * run.got[0][i] - run.exact[0].value[i]);
  }
  error.push_back((more - 1) * size);
  return all_finite(error) ? error : row_sums{};
}

// By how much the square of the error falls if the block's part is taken a times more or less, |a|
// <= 1.
double explained(const row_sums& error, const row_sums& part) {
  const double along = std::abs(product(error, part)), square = product(part, part);
  if (!(square > 0)) return 0;
  const double a = std::min(along / square, 1.0);
  return 2 * a * along - a * a * square;
}

std::int64_t block_of(const mapped_run& run, const seen_row& row, std::int64_t r, std::int64_t lse,
                      double scale) {
  const blocks_of_keys all = parts_of(row, scale, run.column_block);
  const row_sums error = error_of(run, row.values.width, r, lse, all.size);
  std::size_t best = 0, heaviest = 0;
  double most = 0;
  for (std::size_t b = 0; b < all.parts.size(); ++b) {
    if (all.parts[b].back() > all.parts[heaviest].back()) heaviest = b;
    const double here = error.empty() ? 0 : explained(error, all.parts[b]);
    if (here > most) most = here, best = b;
  }
  return all.first + std::int64_t(most > 0 ? best : heaviest);
}

}  // namespace

element_map attention_map(const attention_variant& of) {
  return {"q", "k", [of](const mapped_run& run, std::size_t output) {
            const attention_shape shape = attention_shape::of(run.inputs.id);
            const double scale = scale_of(run.inputs).value;
            const std::int64_t width = output == 0 ? shape.width : 1;
            std::vector<map_place> places(std::size_t(shape.rows() * width));
            for (std::int64_t r = 0; r < shape.rows(); ++r) {
              const seen_row row = seen_by(of, shape, run.inputs, r);
              const std::int64_t lse = shape.lse_at(row.at), first = output == 0 ? r * width : lse;
              map_place place{row.at.query, -1};
              if (row.keys.count > 0)
                place.column = block_of(run, row, r, lse, scale) * run.column_block;
              std::fill_n(places.begin() + first, width, place);
            }
            return places;
          }};
}

}  // namespace assay::properties
