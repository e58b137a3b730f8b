#include "reference/matrix_product.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <future>
#include <thread>

namespace assay::reference {
namespace {

using matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using steps = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;

constexpr std::int64_t k_columns = 512;  // of the right matrix, cut at a time

matrix copied(const matrix_view<double>& from) {
  return Eigen::Map<const matrix, 0, steps>(from.data, from.rows, from.columns,
                                            steps(from.row_step, from.column_step));
}

bool can_be_cut(const matrix& all) {
  constexpr double k_most = 0x1p400, k_least = 0x1p-400;
  return std::all_of(all.data(), all.data() + all.size(), [](double each) {
    return each == 0 || (std::abs(each) <= k_most && std::abs(each) >= k_least);
  });
}

// Bits of the upper parts.
int bits_for(std::int64_t inner) {
  int logarithm = 0;
  while ((std::int64_t(1) << logarithm) < inner) ++logarithm;
  return (53 - logarithm) / 2;
}

// What is added to numbers of at most 2^e and taken away again to leave `bits` bits below 2^e: 3/2
// of a power of two, so that all sums have its exponent.
double cutter(double largest, int bits) {
  int exponent = 0;
  std::frexp(largest, &exponent);
  return std::ldexp(1.5, exponent + 53 - bits);
}

struct cut_matrix {
  matrix upper, lower;
};

cut_matrix cut_rows(const matrix& all, int bits) {
  cut_matrix parts{all, all};
  for (Eigen::Index i = 0; i < all.rows(); ++i) {
    const double by = cutter(all.cols() > 0 ? all.row(i).cwiseAbs().maxCoeff() : 0, bits);
    parts.upper.row(i) = ((all.row(i).array() + by) - by).matrix();
  }
  parts.lower -= parts.upper;
  return parts;
}

cut_matrix cut_columns(const matrix& all, int bits) {
  cut_matrix parts{all, all};
  Eigen::RowVectorXd by = all.cwiseAbs().colwise().maxCoeff();
  for (Eigen::Index n = 0; n < by.size(); ++n) by(n) = cutter(by(n), bits);
  for (Eigen::Index k = 0; k < all.rows(); ++k)
    parts.upper.row(k) = ((all.row(k).array() + by.array()) - by.array()).matrix();
  parts.lower -= parts.upper;
  return parts;
}

// Columns [first, first + count) of the product.
void multiply_columns(Eigen::Map<matrix>& result, const matrix& left, const cut_matrix& parts,
                      const matrix_view<double>& right, std::int64_t first, std::int64_t count,
                      int bits) {
  const matrix columns = copied({right.data + first * right.column_step, right.rows, count,
                                 right.row_step, right.column_step});
  auto to = result.middleCols(first, count);
  if (bits == 0 || !can_be_cut(columns)) {
    to.noalias() = left * columns;
    return;
  }
  const cut_matrix cut = cut_columns(columns, bits);
  matrix rest = parts.upper * cut.lower;
  rest.noalias() += parts.lower * columns;
  to.noalias() = parts.upper * cut.upper;
  to += rest;
}

}  // namespace

std::vector<double> compensated_product(const matrix_view<double>& left,
                                        const matrix_view<double>& right) {
  std::vector<double> all(std::size_t(left.rows * right.columns), 0.0);
  if (all.empty() || left.columns == 0) return all;
  Eigen::Map<matrix> result(all.data(), left.rows, right.columns);
  const matrix a = copied(left);
  const int bits = can_be_cut(a) ? bits_for(left.columns) : 0;
  const cut_matrix parts = bits > 0 ? cut_rows(a, bits) : cut_matrix{};
  const std::int64_t blocks = (right.columns + k_columns - 1) / k_columns,
                     workers =
                         std::clamp<std::int64_t>(std::thread::hardware_concurrency(), 1, blocks);
  const auto work = [&](std::int64_t worker) {
    for (std::int64_t b = worker; b < blocks; b += workers)
      multiply_columns(result, a, parts, right, b * k_columns,
                       std::min(k_columns, right.columns - b * k_columns), bits);
  };
  std::vector<std::future<void>> others;
  for (std::int64_t w = 1; w < workers; ++w)
    others.push_back(std::async(std::launch::async, work, w));
  work(0);
  for (std::future<void>& each : others) each.get();
  return all;
}

}  // namespace assay::reference
