// Products of large matrices: within their bound, which plain sums are not; the same bits however
// the work is shared out.

#include "reference/matrix_product.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace assay::reference {
namespace {

class numbers {
 public:
  // In [-1, 1], 53 bits.
  double next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return double(std::int64_t(state_) >> 10) * 0x1p-53;
  }
  // Of exponents over many binades.
  double wide() { return next() * std::ldexp(1.0, int((next() + 1) * 20)); }
  double single() { return double(float(next())); }

 private:
  std::uint64_t state_ = 9;
};

std::vector<double> filled(std::int64_t count, const std::function<double()>& by) {
  std::vector<double> all(static_cast<std::size_t>(count));
  for (double& each : all) each = by();
  return all;
}

double norm(std::span<const double> of) {
  double squares = 0;
  for (const double each : of) squares += each * each;
  return std::sqrt(squares) * (1 + 0x1p-40);  // never less than it is
}

std::vector<double> row_of(const matrix_view<double>& of, std::int64_t i) {
  std::vector<double> row;
  for (std::int64_t k = 0; k < of.columns; ++k) row.push_back(of.at(i, k));
  return row;
}

// The largest error, as a part of what the header allows. The error is a sum itself, of the
// products and what was made of them, by Dot2; that one's own counts as if it were ours.
double worst_fraction(std::span<const double> got, const matrix_view<double>& left,
                      const matrix_view<double>& right) {
  constexpr double k_u = 0x1p-53;
  double worst = 0;
  for (std::int64_t n = 0; n < right.columns; ++n) {
    std::vector<double> column = row_of(right.transposed(), n);
    const double part = (0x1p-5 + double(left.columns) * 0x1p-21) * k_u * norm(column);
    column.push_back(1);
    for (std::int64_t i = 0; i < left.rows; ++i) {
      std::vector<double> row = row_of(left, i);
      const double value = got[std::size_t(i * right.columns + n)], size = norm(row);
      row.push_back(-value);
      const approximation off = dot2(row, column);
      // |exact| >= |value| - error, and what that takes from the bound is u of the error
      worst = std::max(worst, (std::abs(off.value) + off.error) * (1 + k_u) /
                                  (k_u * std::abs(value) + part * size));
    }
  }
  return worst;
}

struct sizes {
  std::int64_t rows, inner, columns;
};
// One of everything; whole tiles and blocks; and a little more or less than those.
constexpr sizes k_sizes[] = {{1, 1, 1}, {4, 256, 12}, {5, 300, 50}, {67, 515, 203}, {3, 1000, 25}};

void expect_within_bound(const std::function<double()>& left,
                         const std::function<double()>& right) {
  for (const auto& [rows, inner, columns] : k_sizes) {
    const std::vector<double> a = filled(rows * inner, left), b = filled(inner * columns, right);
    const std::span<const double> l(a), r(b);
    // Each as it is and transposed: another order in memory.
    for (const bool turned : {false, true}) {
      const auto x = turned ? matrix_of(l, inner, rows).transposed() : matrix_of(l, rows, inner),
                 y = turned ? matrix_of(r, columns, inner).transposed()
                            : matrix_of(r, inner, columns);
      EXPECT_LE(worst_fraction(compensated_product(x, y), x, y), 1)
          << rows << " " << inner << " " << columns << (turned ? " transposed" : "");
    }
  }
}

TEST(matrix_product, is_within_its_bound) {
  numbers of;
  const std::function<double()> usual = [&] { return of.next(); }, wide = [&] { return of.wide(); },
                                single = [&] { return of.single(); };
  expect_within_bound(usual, single);  // little is left of the right matrix
  expect_within_bound(usual, usual);   // all of it
  expect_within_bound(wide, wide);
}

TEST(matrix_product, is_within_its_bound_where_blocks_cancel) {
  constexpr std::int64_t k_rows = 9, k_half = 256, k_columns = 30;
  numbers of;
  std::vector<double> a = filled(k_rows * 2 * k_half, [&] { return of.next(); }),
                      b = filled(2 * k_half * k_columns, [&] { return of.next(); });
  for (std::int64_t i = 0; i < k_rows; ++i)
    for (std::int64_t k = 0; k < k_half; ++k)
      a[std::size_t((2 * i + 1) * k_half + k)] = -a[std::size_t(2 * i * k_half + k)];
  for (std::int64_t i = 0; i < k_half * k_columns; ++i)
    b[std::size_t(k_half * k_columns + i)] = b[std::size_t(i)] * (1 + 0x1p-40);
  const auto x = matrix_of(std::span<const double>(a), k_rows, 2 * k_half),
             y = matrix_of(std::span<const double>(b), 2 * k_half, k_columns);
  EXPECT_LE(worst_fraction(compensated_product(x, y), x, y), 1);
  EXPECT_GT(worst_fraction(product(x, y), x, y), 1) << "the bound tells it from a plain product";
}

TEST(matrix_product, bits_do_not_depend_on_cores_or_neighbours) {
  constexpr std::int64_t k_rows = 70, k_inner = 600, k_columns = 500;
  numbers of;
  const std::vector<double> a = filled(k_rows * k_inner, [&] { return of.next(); }),
                            b = filled(k_inner * k_columns, [&] { return of.single(); });
  const auto x = matrix_of(std::span<const double>(a), k_rows, k_inner),
             y = matrix_of(std::span<const double>(b), k_inner, k_columns);
  const std::vector<double> all = compensated_product(x, y, 1);
  for (const int cores : {0, 2, 3, 64}) EXPECT_EQ(compensated_product(x, y, cores), all) << cores;
  for (const std::int64_t i : {0, 3, 66}) {
    const matrix_view<double> row{a.data() + i * k_inner, 1, k_inner, k_inner, 1};
    const std::vector<double> alone = compensated_product(row, y);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), all.begin() + i * k_columns)) << i;
  }
}

// As IEEE 754 has it of plain sums, beside rows and columns that are cut.
TEST(matrix_product, what_is_no_number_stays_what_it_is) {
  constexpr std::int64_t k_rows = 5, k_inner = 300, k_columns = 30;
  numbers of;
  std::vector<double> a = filled(k_rows * k_inner, [&] { return of.next(); }),
                      b = filled(k_inner * k_columns, [&] { return of.next(); });
  const auto x = matrix_of(std::span<const double>(a), k_rows, k_inner),
             y = matrix_of(std::span<const double>(b), k_inner, k_columns);
  a[0] = k_infinity, a[k_inner + 7] = k_nan;
  b[3] = -k_infinity, b[5 * k_columns + 4] = k_nan, a[2 * k_inner] = 0;
  a[4 * k_inner] = 0x1p-100, b[1] = 0x1p-100;  // nothing is left of these when they are cut
  const std::vector<double> got = compensated_product(x, y), plain = product(x, y);
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(std::isnan(got[i]), std::isnan(plain[i])) << i;
    if (std::isinf(plain[i])) {
      EXPECT_EQ(got[i], plain[i]) << i;
    }
  }
  // Row 3 and column 5 meet nothing of that.
  EXPECT_TRUE(std::isfinite(got[3 * k_columns + 5]));
}

TEST(matrix_product, what_is_too_large_or_small_to_be_cut_is_as_good_as_a_plain_product) {
  constexpr std::int64_t k_inner = 300, k_columns = 13;
  numbers of;
  const std::vector<double> a = filled(k_inner, [&] { return of.next(); });
  for (const double scale : {0x1p600, 0x1p-600}) {
    const std::vector<double> b = filled(k_inner * k_columns, [&] { return of.next() * scale; });
    const auto x = matrix_of(std::span<const double>(a), 1, k_inner),
               y = matrix_of(std::span<const double>(b), k_inner, k_columns);
    const std::vector<double> got = compensated_product(x, y);
    for (std::int64_t n = 0; n < k_columns; ++n) {
      const std::vector<double> column = row_of(y.transposed(), n);
      const double k_gamma = 301 * 0x1p-53;  // gamma_300
      double sizes = 0;
      for (std::size_t k = 0; k < k_inner; ++k) sizes += std::abs(a[k] * column[k]);
      EXPECT_LE(std::abs(got[std::size_t(n)] - dot2(a, column).value), k_gamma * sizes) << n;
    }
  }
}

TEST(matrix_product, of_nothing_is_nothing) {
  EXPECT_TRUE(compensated_product({nullptr, 0, 3, 3, 1}, {nullptr, 3, 0, 0, 1}).empty());
  EXPECT_EQ(compensated_product({nullptr, 2, 0, 0, 1}, {nullptr, 0, 3, 3, 1}),
            std::vector<double>(6, 0.0));
}

}  // namespace
}  // namespace assay::reference
