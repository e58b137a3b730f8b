// Products of large matrices for the reference of a whole model: in R0 as if in more than double's
// precision, and nearly as fast as in double.
#pragma once

#include "reference/linear.hpp"

namespace assay::reference {

/// left right, [left.rows, right.columns], row-major, of numbers in double (Ozaki, Ogita, Oishi,
/// Rump, "Error-free transformations of matrix multiplication", Numer. Algorithms 59, 2012). Each
/// row of the left and column of the right matrix is cut in two at one place: the upper parts have
/// so few bits, k of them, that their product is exact in double, 2 k + ceil(log2 n) <= 53, n the
/// inner dimension. With l, r the largest numbers of a row and a column the rest is below 2^-k of
/// those, so that
///   |result - exact| <= 3 u |exact| + gamma_(n + 2) n 2^(2 - k) l r,   u = 2^-53, k >= 20 for n <=
///   2^13,
/// where a plain product has gamma_n |left| |right|. Where something is not finite, or beyond
/// 2^+-400, it is a plain product. Runs on all of the machine's cores; the same bits on any number
/// of them.
std::vector<double> compensated_product(const matrix_view<double>& left,
                                        const matrix_view<double>& right);

/// In R0 compensated, else sums in order.
template <real R>
std::vector<R> large_product(const matrix_view<R>& left, const matrix_view<R>& right) {
  if constexpr (std::is_same_v<R, double>)
    return compensated_product(left, right);
  else
    return product(left, right);
}

}  // namespace assay::reference
