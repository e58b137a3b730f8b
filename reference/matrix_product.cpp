#include "reference/matrix_product.hpp"

#include "reference/cut_matrix.hpp"
#include "reference/exact.hpp"

namespace assay::reference {
namespace {

// The columns that meet a part of the left matrix while it is in a core's cache, and the rows that
// meet a part of the right one.
constexpr std::int64_t k_tiles = 16, k_group = k_tiles * k_tile_columns, k_band = 64;
constexpr std::int64_t k_tile = k_tile_rows * k_tile_columns;

using tile = std::array<double, k_tile>;

// sums += (a part of the left matrix) (a part of the right one), in order; factors(k) is where the
// left one's column for row k of the right one is, or what it is.
template <class Factors>
void add_products(tile& sums, const Factors& factors, const double* right, std::int64_t depth) {
  packet sum[k_tile_rows][k_packets];
  for (std::int64_t i = 0; i < k_tile_rows; ++i)
    for (std::int64_t n = 0; n < k_packets; ++n)
      sum[i][n] = loaded(&sums[std::size_t(i * k_tile_columns + n * k_packet)]);
  for (std::int64_t k = 0; k < depth; ++k) {
    packet row[k_packets];
    for (std::int64_t n = 0; n < k_packets; ++n)
      row[n] = loaded(right + k * k_tile_columns + n * k_packet);
    const auto column = factors(k);
    for (std::int64_t i = 0; i < k_tile_rows; ++i) {
      const packet factor = Eigen::internal::pset1<packet>(column[std::size_t(i)]);
      for (std::int64_t n = 0; n < k_packets; ++n)
        sum[i][n] = Eigen::internal::pmadd(factor, row[n], sum[i][n]);
    }
  }
  for (std::int64_t i = 0; i < k_tile_rows; ++i)
    for (std::int64_t n = 0; n < k_packets; ++n)
      stored(&sums[std::size_t(i * k_tile_columns + n * k_packet)], sum[i][n]);
}

// Sums over the blocks so far: what is rounded, and what was lost.
struct sums_of_blocks {
  tile upper{}, lower{};

  void add(const cut_left& left, const cut_right& right, std::int64_t block,
           std::int64_t row_tile) {
    const double *const above = left.upper(block, row_tile), *const below =
                                                                 left.lower(block, row_tile);
    const auto whole = [&](std::int64_t k) {
      std::array<double, k_tile_rows> column;
      const std::int64_t at = right.places()[std::size_t(k)] * k_tile_rows;
      for (std::size_t i = 0; i < k_tile_rows; ++i)
        column[i] = above[at + std::int64_t(i)] + below[at + std::int64_t(i)];
      return column;
    };
    const std::int64_t depth = left.depth(block);
    tile exact{}, rest{}, last{};
    const auto of = [](const double* part) {
      return [part](std::int64_t k) { return part + k * k_tile_rows; };
    };
    add_products(exact, of(above), right.upper(), depth);
    add_products(rest, of(below), right.upper(), depth);
    if (!right.places().empty())
      add_products(last, whole, right.lower(), std::int64_t(right.places().size()));
    for (std::size_t i = 0; i < k_tile; ++i) {
      const auto sum = two_sum(upper[i], exact[i]);
      upper[i] = sum.value;
      lower[i] += sum.error + (rest[i] + last[i]);
    }
  }
  double value(std::int64_t i) const { return upper[std::size_t(i)] + lower[std::size_t(i)]; }
};

// Puts plain sums where the others are no numbers: a part may be 0 where the whole is not, and 0
// times infinity is not infinite.
void replace_undefined(std::vector<double>& all, const matrix_view<double>& left,
                       const matrix_view<double>& right) {
  for (std::size_t at = 0; at < all.size(); ++at) {
    if (std::isfinite(all[at])) continue;
    const std::int64_t row = std::int64_t(at) / right.columns,
                       column = std::int64_t(at) % right.columns;
    all[at] = 0;
    for (std::int64_t k = 0; k < right.rows; ++k) all[at] += left.at(row, k) * right.at(k, column);
  }
}

// The product of a band of rows and a group of columns.
class group_product {
 public:
  group_product(const cut_left& left, const matrix_view<double>& right, std::int64_t first_row,
                std::int64_t first_column)
      : left_(left),
        right_(right),
        first_row_(first_row),
        first_column_(first_column),
        rows_(std::min(k_band, left.rows() - first_row)),
        columns_(std::min(k_group, right.columns - first_column)),
        row_tiles_(parts_of(rows_, k_tile_rows)),
        tiles_(parts_of(columns_, k_tile_columns)),
        sums_(std::size_t(tiles_ * row_tiles_)) {}

  void multiply() {
    thread_local cut_right parts;
    const std::int64_t count = parts_of(right_.rows, k_depth) * tiles_;
    parts.take(part(0), 0, 1);
    for (std::int64_t i = 0; i < count; ++i) {
      parts.cut();
      for (std::int64_t m = 0; m < row_tiles_; ++m) {
        if (i + 1 < count) parts.take(part(i + 1), m, row_tiles_);
        sums_[std::size_t(i % tiles_ * row_tiles_ + m)].add(left_, parts, i / tiles_,
                                                            first_row_ / k_tile_rows + m);
      }
    }
  }

  void write(double* result) const {
    for (std::int64_t n = 0; n < columns_; n += k_tile_columns)
      for (std::int64_t i = 0; i < rows_; ++i) {
        const sums_of_blocks& from =
            sums_[std::size_t(n / k_tile_columns * row_tiles_ + i / k_tile_rows)];
        double* const to = result + (first_row_ + i) * right_.columns + first_column_ + n;
        const std::int64_t first = i % k_tile_rows * k_tile_columns;
        for (std::int64_t j = 0; j < std::min(k_tile_columns, columns_ - n); ++j)
          to[j] = from.value(first + j);
      }
  }

 private:
  // Of the right matrix: tile after tile of a block, then those of the next.
  matrix_view<double> part(std::int64_t i) const {
    const std::int64_t row = i / tiles_ * k_depth,
                       column = first_column_ + i % tiles_ * k_tile_columns;
    return {&right_.at(row, column), std::min(k_depth, right_.rows - row),
            std::min(k_tile_columns, right_.columns - column), right_.row_step, right_.column_step};
  }

  const cut_left& left_;
  matrix_view<double> right_;
  std::int64_t first_row_, first_column_, rows_, columns_, row_tiles_, tiles_;
  std::vector<sums_of_blocks> sums_;
};

}  // namespace

std::vector<double> compensated_product(const matrix_view<double>& left,
                                        const matrix_view<double>& right, int cores) {
  std::vector<double> all(std::size_t(left.rows * right.columns), 0.0);
  if (all.empty() || left.columns == 0) return all;
  if (cores == 0) cores = cores_here();
  const cut_left parts(left, cores);
  const std::int64_t bands = parts_of(left.rows, k_band);
  on_cores(parts_of(right.columns, k_group) * bands, cores, [&](std::int64_t i) {
    group_product group(parts, right, i % bands * k_band, i / bands * k_group);
    group.multiply();
    group.write(all.data());
  });
  replace_undefined(all, left, right);
  return all;
}

}  // namespace assay::reference
