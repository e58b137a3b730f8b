// How the kernels of optimized/layer_norm*.cuh compute, operation by operation, in either
// arithmetic of arithmetic.hpp.
#pragma once

#include "properties/layer_norm_rows.hpp"
#include "properties/row_order.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace assay::properties {

// |sqrt a - sqrt a'| <= |a - a'| / (2 sqrt min(a, a')); of what may be 0 nothing is known.
inline constexpr elementary k_square_root = {
    [](double x) { return std::sqrt(x); },
    [](double low, double) { return low > 0 ? 0.5 / std::sqrt(low) : reference::k_infinity; }};

// What a kernel does with a row: in which order it adds, and whether it subtracts the row's first
// element before all else.
struct layer_norm_order {
  row_order row;
  bool shifted = false;
};

// How a kernel adds up channels over rows: a block `rows_each` of them, divided among so many
// teams; then teams in turn, then the blocks' parts by 8 slices, and the slices in turn.
struct channel_order {
  std::int64_t rows_each = 1, teams = 1;
};

// A sum of squares of distances from a computed mean, which all have that mean's error, at most
// `common`, besides their own: (d + own + common)^2. The exact distances sum to 0, so what is
// common adds to the total 2 common sum own + n common^2, and to first order nothing. What each
// addition may lose is reckoned from distances as large as they may be.
inline running::value sum_of_squares(const running& a, const std::vector<running::value>& off,
                                     const std::vector<double>& own, double common,
                                     const row_order& how) {
  const running::value largest =
      row_sum(a, off.size(), how, [&](running::value all, std::size_t j) {
        const running::value d = running::exact(std::abs(off[j].center) + off[j].after);
        return a.fma(d, d, all);
      });
  double center = 0, spread = 0, owned = 0;
  for (std::size_t j = 0; j < off.size(); ++j) {
    center += off[j].center * off[j].center;
    spread += 2 * std::abs(off[j].center) * own[j] + own[j] * own[j];
    owned += own[j];
  }
  const double carried = spread + 2 * common * owned + double(off.size()) * common * common;
  return running::moved({center, largest.before, largest.after}, carried);
}
inline concrete::value sum_of_squares(const concrete& a, const std::vector<concrete::value>& off,
                                      const std::vector<double>&, double, const row_order& how) {
  return row_sum(a, off.size(), how,
                 [&](concrete::value all, std::size_t j) { return a.fma(off[j], off[j], all); });
}

// What one element's distance has of error beside that of the mean: of the subtrahend and of its
// own rounding.
inline double own_error(const running::value& off, const running::value& shifted) {
  return shifted.after + (off.after - off.before);
}
inline double own_error(const concrete::value&, const concrete::value&) { return 0; }
inline double error_of(const running::value& v) { return v.after; }
inline double error_of(const concrete::value&) { return 0; }

template <class Arithmetic>
class layer_norm_arithmetic {
 public:
  using value = typename Arithmetic::value;
  using row = std::vector<value>;

  explicit layer_norm_arithmetic(const Arithmetic& a) : a_(a) {}

  struct forward_row {
    value mean, rstd;
    row y;
  };

  forward_row forward(std::span<const double> x, std::span<const double> gamma,
                      std::span<const double> beta, double eps, const layer_norm_order& how) const {
    const value none = Arithmetic::exact(reference::k_nan);
    if (!std::all_of(x.begin(), x.end(), [](double each) { return std::isfinite(each); }))
      return {none, none, row(x.size(), none)};
    const double pivot = how.shifted && !x.empty() ? x[0] : 0;
    row shifted;
    for (double each : x)
      shifted.push_back(how.shifted ? a_.sub(a_.exact(each), a_.exact(pivot)) : a_.exact(each));
    const value middle = mean_of(shifted, how.row);
    row off;
    std::vector<double> own;
    for (const value& each : shifted) {
      off.push_back(a_.sub(each, middle));
      own.push_back(own_error(off.back(), each));
    }
    const value squares = sum_of_squares(a_, off, own, error_of(middle), how.row);
    const value v = plus(a_, over(squares, x.size()), a_.exact(eps));
    const value rstd =
        is_exact_zero(v) ? a_.exact(0) : a_.div(a_.exact(1), a_.apply(k_square_root, v, 0.5));
    forward_row all{how.shifted ? plus(a_, a_.exact(pivot), middle) : middle, rstd, {}};
    for (std::size_t j = 0; j < x.size(); ++j)
      all.y.push_back(scaled(a_.mul(off[j], rstd), gamma[j], beta[j]));
    return all;
  }

  row normalized(std::span<const double> x, reference::row_statistics<double> given) const {
    row xhat;
    for (double each : x)
      xhat.push_back(a_.mul(a_.sub(a_.exact(each), a_.exact(given.mean)), a_.exact(given.rstd)));
    return xhat;
  }

  // dx of a row; dsum is empty where nothing is added.
  row gradient(std::span<const double> dy, std::span<const double> x, std::span<const double> gamma,
               std::span<const double> dsum, reference::row_statistics<double> given,
               const row_order& how) const {
    const row xhat = normalized(x, given);
    row w;
    for (std::size_t j = 0; j < x.size(); ++j)
      w.push_back(a_.mul(a_.exact(dy[j]), a_.exact(gamma[j])));
    const value sum = mean_of(w, how);
    const value dot =
        over(row_sum(a_, x.size(), how,
                     [&](value all, std::size_t j) { return a_.fma(w[j], xhat[j], all); }),
             x.size());
    row dx;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const value inner = a_.fma(Arithmetic::negated(xhat[j]), dot, a_.sub(w[j], sum));
      dx.push_back(a_.mul(a_.exact(given.rstd), inner));
      if (!dsum.empty()) dx.back() = a_.add(dx.back(), a_.exact(dsum[j]));
    }
    return dx;
  }

  // The sum over rows, where a team takes its rows by add(sum so far, row).
  template <class Add>
  value over_rows(std::int64_t rows, const channel_order& how, const Add& add) const {
    const order in_turn = sequential(), slices{{interleaved{8, 1}, interleaved{1, 1}}};
    row blocks;
    for (std::int64_t begin = 0; begin < rows; begin += how.rows_each) {
      const std::int64_t end = std::min(rows, begin + how.rows_each);
      row teams(std::size_t(std::min(how.teams, end - begin)), Arithmetic::exact(0));
      for (std::int64_t r = begin; r < end; ++r) {
        value& mine = teams[std::size_t((r - begin) % how.teams)];
        mine = add(mine, std::size_t(r));
      }
      blocks.push_back(sum(a_, in_turn, std::move(teams)));
    }
    return sum(a_, slices, std::move(blocks));
  }

 private:
  value over(const value& total, std::size_t n) const {
    return n > 1 ? a_.div(total, a_.exact(double(n))) : total;
  }
  value mean_of(const row& terms, const row_order& how) const {
    return over(row_sum(a_, terms.size(), how,
                        [&](value all, std::size_t j) { return plus(a_, all, terms[j]); }),
                terms.size());
  }
  // gamma xhat + beta by one rounding. (An infinite gamma makes of xhat's error what a product says
  // of it.)
  value scaled(const value& xhat, double gamma, double beta) const {
    const value g = a_.exact(gamma), b = a_.exact(beta);
    return std::isfinite(gamma) ? a_.fma(xhat, g, b) : a_.add(a_.mul(xhat, g), b);
  }

  const Arithmetic& a_;
};

}  // namespace assay::properties
