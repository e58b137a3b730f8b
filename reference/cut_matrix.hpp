// Matrices in parts, as matrix_product.cpp multiplies them: the upper parts of a row and a column
// have so few bits that sums of their products are exact.
#pragma once

#include "reference/cores.hpp"
#include "reference/linear.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>

namespace assay::reference {

// What matrix_product.hpp calls p, q and the length of a block.
inline constexpr int k_left_bits = 18, k_right_bits = 35;
inline constexpr std::int64_t k_depth = 256;

// A tile of the product, its sums in registers: 4 times 3 of AVX2's 16, with a row of the right
// matrix in 3 more and a number of the left one in the last.
inline constexpr std::int64_t k_tile_rows = 4, k_tile_columns = 12;

using packet = Eigen::internal::packet_traits<double>::type;
inline constexpr std::int64_t k_packet = Eigen::internal::packet_traits<double>::size,
                              k_packets = k_tile_columns / k_packet;

inline packet loaded(const double* from) { return Eigen::internal::ploadu<packet>(from); }
inline void stored(double* to, const packet& each) { Eigen::internal::pstoreu(to, each); }

inline std::int64_t parts_of(std::int64_t all, std::int64_t part) {
  return (all + part - 1) / part;
}

// What is added to numbers and taken away again to leave multiples of 2^(e - bits), where 2^e is
// the least power of two above their norm: 3/2 of a power of two, so that all sums have its
// exponent. 0 where the numbers are not to be cut: that leaves them whole, and of infinities it
// does not matter what.
inline double cutter(double squares, int bits) {
  if (!(squares >= 0x1p-800 && squares <= 0x1p800)) return 0;
  int exponent = 0;
  // More than the norm by more than its own rounding and that of the parts can make up for.
  std::frexp(std::sqrt(squares) * (1 + 0x1p-10), &exponent);
  return std::ldexp(1.5, exponent + 52 - bits);
}

// The left matrix, block by block of the inner dimension, within it tile by tile, within it column
// by column: what the kernel reads, in order.
class cut_left {
 public:
  cut_left(const matrix_view<double>& from, int cores)
      : from_(from),
        tiles_(parts_of(from.rows, k_tile_rows)),
        step_(tiles_ * k_tile_rows * std::min(k_depth, from.columns)) {
    const std::int64_t blocks = parts_of(from.columns, k_depth);
    for (std::vector<double>* each : {&upper_, &lower_}) each->resize(std::size_t(blocks * step_));
    on_cores(blocks * tiles_, cores, [&](std::int64_t i) { cut(i / tiles_, i % tiles_); });
  }

  const double* upper(std::int64_t block, std::int64_t tile) const {
    return upper_.data() + at(block, tile);
  }
  const double* lower(std::int64_t block, std::int64_t tile) const {
    return lower_.data() + at(block, tile);
  }
  std::int64_t rows() const { return from_.rows; }
  std::int64_t depth(std::int64_t block) const {
    return std::min(k_depth, from_.columns - block * k_depth);
  }

 private:
  std::int64_t at(std::int64_t block, std::int64_t tile) const {
    return block * step_ + tile * k_tile_rows * depth(block);
  }

  void cut(std::int64_t block, std::int64_t tile) {
    double squares[k_tile_rows] = {}, by[k_tile_rows];
    double *const upper = upper_.data() + at(block, tile), *const lower =
                                                               lower_.data() + at(block, tile);
    const double* const from = &from_.at(tile * k_tile_rows, block * k_depth);
    const std::int64_t rows = std::min(k_tile_rows, from_.rows - tile * k_tile_rows);
    for (std::int64_t k = 0; k < depth(block); ++k)
      for (std::int64_t i = 0; i < rows; ++i) {
        const double each = from[i * from_.row_step + k * from_.column_step];
        upper[k * k_tile_rows + i] = each;
        squares[i] += each * each;
      }
    for (std::int64_t i = 0; i < k_tile_rows; ++i) by[i] = cutter(squares[i], k_left_bits);
    for (std::int64_t k = 0; k < depth(block) * k_tile_rows; k += k_tile_rows)
      for (std::int64_t i = 0; i < k_tile_rows; ++i) {
        const double each = upper[k + i], above = (each + by[i]) - by[i];
        upper[k + i] = above;
        lower[k + i] = each - above;
      }
  }

  matrix_view<double> from_;
  std::int64_t tiles_, step_;
  std::vector<double> upper_, lower_;
};

// A block of a tile's columns of the right matrix, row by row. Of the lower parts only those rows
// that are not all 0: weights of 24 bits leave few.
class cut_right {
 public:
  // Copies a share of a block's rows, while others are multiplied: memory is slow.
  void take(const matrix_view<double>& from, std::int64_t share, std::int64_t shares) {
    const std::int64_t first = row_of(from, share, shares), last = row_of(from, share + 1, shares);
    if (share == 0) std::fill(std::begin(squares_), std::end(squares_), 0.0);
    rows_ = from.rows;
    copy(from, first, last);
    add_squares(first, last);
    fetch(from, last, row_of(from, share + 2, shares));
  }

  // The block, once it is taken, in parts. Another may be taken then.
  void cut() {
    for (std::int64_t n = 0; n < k_tile_columns; ++n) by_[n] = cutter(squares_[n], k_right_bits);
    take_parts();
  }

  const double* upper() const { return upper_; }
  const double* lower() const { return lower_; }
  // Where in the block the rows of lower() are.
  std::span<const std::int32_t> places() const { return {places_, std::size_t(count_)}; }

 private:
  static std::int64_t row_of(const matrix_view<double>& from, std::int64_t share,
                             std::int64_t shares) {
    if (share >= shares) return from.rows;
    return from.rows * share / shares / k_packet * k_packet;
  }

  void copy(const matrix_view<double>& from, std::int64_t first, std::int64_t last) {
    const bool whole = from.columns == k_tile_columns;
    double* to = all_ + first * k_tile_columns;
    if (whole && from.row_step == 1) {
      for (; first + k_packet <= last; first += k_packet, to += k_packet * k_tile_columns)
        for (std::int64_t n = 0; n < k_tile_columns; n += k_packet)
          copy_square(&from.at(first, n), from.column_step, to + n);
    }
    for (; first < last; ++first, to += k_tile_columns)
      if (whole && from.column_step == 1)
        for (std::int64_t n = 0; n < k_tile_columns; n += k_packet)
          stored(to + n, loaded(&from.at(first, n)));
      else
        for (std::int64_t n = 0; n < k_tile_columns; ++n)
          to[n] = n < from.columns ? from.at(first, n) : 0;
  }

  // A square of a column-major matrix.
  static void copy_square(const double* from, std::int64_t step, double* to) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"  // of a packet as an argument of a template
    Eigen::internal::PacketBlock<packet, k_packet> square;
#pragma GCC diagnostic pop
    for (std::int64_t n = 0; n < k_packet; ++n) square.packet[n] = loaded(from + n * step);
    Eigen::internal::ptranspose(square);
    for (std::int64_t k = 0; k < k_packet; ++k) stored(to + k * k_tile_columns, square.packet[k]);
  }

  void add_squares(std::int64_t first, std::int64_t last) {
    packet sums[k_packets];
    for (std::int64_t n = 0; n < k_packets; ++n) sums[n] = loaded(squares_ + n * k_packet);
    for (const double* row = all_ + first * k_tile_columns; first < last; ++first)
      for (packet& sum : sums) {
        const packet each = loaded(row);
        sum = Eigen::internal::pmadd(each, each, sum);
        row += k_packet;
      }
    for (std::int64_t n = 0; n < k_packets; ++n) stored(squares_ + n * k_packet, sums[n]);
  }

  static void fetch(const matrix_view<double>& from, std::int64_t first, std::int64_t last) {
    if (first >= last) return;
    const bool by_rows = from.column_step == 1;
    for (std::int64_t i = by_rows ? first : 0; i < (by_rows ? last : from.columns); ++i) {
      // At most two cache lines, where they begin as they like.
      __builtin_prefetch(by_rows ? &from.at(i, 0) : &from.at(first, i));
      __builtin_prefetch(by_rows ? &from.at(i, from.columns - 1) : &from.at(last - 1, i));
    }
  }

  void take_parts() {
    using namespace Eigen::internal;
    packet by[k_packets];
    for (std::int64_t n = 0; n < k_packets; ++n) by[n] = loaded(by_ + n * k_packet);
    std::int32_t count = 0;
    for (std::int64_t k = 0; k < rows_; ++k) {
      packet any = pset1<packet>(0);
      for (std::int64_t n = 0; n < k_packets; ++n) {
        const packet each = loaded(all_ + k * k_tile_columns + n * k_packet),
                     upper = psub(padd(each, by[n]), by[n]), lower = psub(each, upper);
        stored(upper_ + k * k_tile_columns + n * k_packet, upper);
        stored(lower_ + count * k_tile_columns + n * k_packet, lower);
        any = padd(any, pabs(lower));
      }
      places_[count] = std::int32_t(k);
      count += predux(any) == 0 ? 0 : 1;
    }
    count_ = count;
  }

  // One row more of what is found in order, which is written before it is known to stay.
  double all_[k_depth * k_tile_columns], upper_[k_depth * k_tile_columns],
      lower_[(k_depth + 1) * k_tile_columns], by_[k_tile_columns], squares_[k_tile_columns];
  std::int32_t places_[k_depth + 1], count_ = 0;
  std::int64_t rows_ = 0;
};

}  // namespace assay::reference
