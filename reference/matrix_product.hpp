// Products of large matrices for the reference of a whole model: in R0 as if in more than double's
// precision, and nearly as fast as in double.
#pragma once

#include "reference/linear.hpp"

namespace assay::reference {

/// left right, [left.rows, right.columns], row-major, of numbers in double (after Ozaki, Ogita,
/// Oishi, Rump, "Error-free transformations of matrix multiplication", Numer. Algorithms 59, 2012).
///
/// The inner dimension n is taken in blocks of 256. A block l of a row is cut in two, l = l' + l'',
/// at 2^-p of the least power of two above its norm, a block r of a column at 2^-q of that above
/// its own; both are next to twice the norm at most. By Cauchy and Schwarz no sum of products l' r'
/// is beyond the product of those powers, and all are multiples of 2^-(p + q) of it: with p + q =
/// 53 they are exact, in any order. What is left is rounded:
///
///   l r = l' r' (exact) + l'' r' + l r'',   |l''| <= sqrt(256) 2^-(p + 1) 2.01 |l|, r'' with q
///
/// gamma_256 of which is below 2^-5.9 u |l| |r| for p = 18, q = 35. Blocks are added by TwoSum,
/// what is left of them in double, which is off by below n 2^-21 of that unit, and so (Cauchy and
/// Schwarz again, over the blocks)
///
///   |result - exact| <= u |exact| + (2^-5 + n 2^-21) u |row| |column|,   u = 2^-53, |.| the norm,
///
/// where a plain product has gamma_n and no less where terms cancel. p is less than q because fp32
/// needs it: r'' is 0 for numbers of 24 bits that are not below about a thousandth of their
/// column's norm in a block, so that for weights nearly all of the third product falls away.
///
/// Where a block's norm is not 0, and is not finite or beyond 2^+-400, that block is not cut, and
/// its products are plain ones; a result that is not finite is the sum in order. Nothing is kept
/// from one call to the next. The same bits on any number of cores, and of a row whatever rows are
/// beside it; `cores` 0: all that there are.
std::vector<double> compensated_product(const matrix_view<double>& left,
                                        const matrix_view<double>& right, int cores = 0);

/// In R0 compensated, else sums in order.
template <real R>
std::vector<R> large_product(const matrix_view<R>& left, const matrix_view<R>& right) {
  if constexpr (std::is_same_v<R, double>)
    return compensated_product(left, right);
  else
    return product(left, right);
}

}  // namespace assay::reference
