// What a raw call of a linear layer means, and what is refused.
//
//   forward   x [rows, in], w, b [out], r [rows, out] -> y [rows, out], pre as y
//   backward  x, w, dy as y -> dx as x, dw as w, db [out]
//
// w is [in, out], or [out, in] of the kinds that turn it. b, r, pre and db are there in the kinds
// that have them. All of one dtype; rows of matrices any distance apart, vectors contiguous.
#pragma once

#include "optimized/check_call.cuh"
#include "optimized/linear.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

//   bias      y = x w + b                  gelu_erf, gelu_tanh  y = gelu(x w + b), pre = x w + b
//   out_in    y = x w^T + b                residual             y = r + (x w + b)
//   tied      y = x w^T, of an embedding's matrix
enum class linear_kind { bias, out_in, tied, gelu_erf, gelu_tanh, residual };

constexpr bool is_turned(linear_kind kind) {
  return kind == linear_kind::out_in || kind == linear_kind::tied;
}
constexpr bool has_bias(linear_kind kind) { return kind != linear_kind::tied; }
constexpr product_end end_of(linear_kind kind) {
  switch (kind) {
    case linear_kind::tied:
      return product_end::sum;
    case linear_kind::gelu_erf:
      return product_end::gelu_erf;
    case linear_kind::gelu_tanh:
      return product_end::gelu_tanh;
    case linear_kind::residual:
      return product_end::residual;
    default:
      return product_end::bias;
  }
}
constexpr bool has_pre(linear_kind kind) {
  return kind == linear_kind::gelu_erf || kind == linear_kind::gelu_tanh;
}

// A matrix of a call.
template <class T>
struct matrix_argument {
  simt::global<T> at;
  std::int64_t row = 0;                // elements from one row to the next
  bool whole = false, paired = false;  // rows begin at multiples of 16 bytes, of two elements

  static matrix_argument of(const call& what, std::size_t i, const char* by) {
    const tensor& t = what.tensors[i];
    const std::vector<std::int64_t> steps = detail::steps_of(what, i, by);
    // A vector is its only row.
    const std::int64_t row = steps.size() > 1 ? steps[steps.size() - 2] : 0;
    return placed(t.data, t.bytes(), row);
  }
  static matrix_argument placed(const void* data, std::size_t bytes, std::int64_t row) {
    const auto begins = [&](std::size_t unit) {
      return reinterpret_cast<std::uintptr_t>(data) % unit == 0 &&
             std::size_t(row) * sizeof(T) % unit == 0;
    };
    return {simt::bind<T>(data, bytes), row, begins(16), begins(2 * sizeof(T))};
  }
};

// The product of two matrices: its sizes, and what follows later, are up to whoever asks.
template <class T>
product_problem<T> product_of(const matrix_argument<const T>& left,
                              const matrix_argument<const T>& right, const matrix_argument<T>& y,
                              std::int64_t rows, std::int64_t inner, std::int64_t columns) {
  product_problem<T> p;
  p.left = left.at, p.left_row = left.row, p.left_whole = left.whole;
  p.right = right.at, p.right_row = right.row, p.right_whole = right.whole;
  p.y = y.at, p.y_row = y.row, p.paired = y.paired;
  p.rows = rows, p.inner = int(inner), p.columns = int(columns);
  return p;
}
template <class T>
void add_bias(product_problem<T>& p, const matrix_argument<const T>& bias) {
  p.end = product_end::bias;
  p.bias = bias.at;
  p.paired = p.paired && bias.paired;
}

inline constexpr const char* k_linear = "linear";

struct linear_size {
  std::int64_t rows = 0, in = 0, out = 0;
};

// x and w come first in both directions.
inline linear_size size_of_linear(linear_kind kind, const call& what) {
  const std::vector<std::int64_t>&x = what.tensors[0].shape, &w = what.tensors[1].shape;
  return {x[0], x[1], w[is_turned(kind) ? 0 : 1]};
}

template <linear_kind Kind>
struct linear_forward_call {
  static constexpr std::size_t k_x = 0, k_w = 1, k_b = 2, k_r = 3,
                               k_y = 2 + has_bias(Kind) + (Kind == linear_kind::residual),
                               k_pre = k_y + 1, k_count = k_y + 1 + has_pre(Kind);
  static constexpr call_signature k_signature{k_linear, k_count};

  static void check(const call& what) {
    check_first_two(k_signature, Kind, what);
    const linear_size size = size_of_linear(Kind, what);
    for (std::size_t i = k_b; i < k_count; ++i) {
      if (has_bias(Kind) && i == k_b)
        detail::check_shape(k_signature, what, i, {size.out});
      else
        detail::check_shape(k_signature, what, i, {size.rows, size.out});
    }
    check_all(k_signature, what);
  }

  template <class T>
  static product_problem<T> problem(const call& what) {
    const linear_size size = size_of_linear(Kind, what);
    const auto in = [&](std::size_t i) { return matrix_argument<const T>::of(what, i, k_linear); };
    product_problem<T> p =
        product_of<T>(in(k_x), in(k_w), matrix_argument<T>::of(what, k_y, k_linear), size.rows,
                      size.in, size.out);
    if constexpr (has_bias(Kind)) add_bias(p, in(k_b));
    if constexpr (Kind == linear_kind::residual) {
      p.residual = in(k_r).at, p.residual_row = in(k_r).row;
      p.paired = p.paired && in(k_r).paired;
    }
    if constexpr (has_pre(Kind)) {
      const auto pre = matrix_argument<T>::of(what, k_pre, k_linear);
      p.pre = pre.at, p.pre_row = pre.row, p.paired = p.paired && pre.paired;
    }
    p.end = end_of(Kind);
    return p;
  }

  // Of both directions: x, w and their sizes; that all are alike.
  static void check_first_two(const call_signature& of, linear_kind kind, const call& what) {
    detail::check_counts(of, what);
    detail::check_floating(of, what);
    for (const std::size_t i : {k_x, k_w}) {
      detail::check_rank(what, i, 2, of.name);
      detail::check_extents(what, i, of.name);
    }
    const linear_size size = size_of_linear(kind, what);
    detail::check_shape(
        of, what, k_w,
        is_turned(kind) ? std::vector{size.out, size.in} : std::vector{size.in, size.out});
  }
  static void check_all(const call_signature& of, const call& what) {
    for (std::size_t i = 0; i < what.tensors.size(); ++i) {
      const tensor& t = what.tensors[i];
      if (t.type != what.tensors[0].type)
        detail::refuse(i, "is " + std::string(name_of(t.type)),
                       std::string(name_of(what.tensors[0].type)), of.name);
      detail::check_alignment(what, i, of.name);
      if (t.shape.size() == 1)
        detail::check_contiguous(of, what, i);
      else
        detail::steps_of(what, i, of.name);
    }
  }
};

template <linear_kind Kind>
struct linear_backward_call {
  static constexpr std::size_t k_x = 0, k_w = 1, k_dy = 2, k_dx = 3, k_dw = 4, k_db = 5,
                               k_count = 5 + has_bias(Kind);
  static constexpr call_signature k_signature{k_linear, k_count};
  static constexpr operands k_dx_form = is_turned(Kind) ? operands::plain : operands::right_turned;

  static void check(const call& what) {
    using both = linear_forward_call<Kind>;
    both::check_first_two(k_signature, Kind, what);
    const linear_size size = size_of_linear(Kind, what);
    detail::check_shape(k_signature, what, k_dy, {size.rows, size.out});
    detail::check_shape(k_signature, what, k_dx, what.tensors[k_x].shape);
    detail::check_shape(k_signature, what, k_dw, what.tensors[k_w].shape);
    if constexpr (has_bias(Kind)) detail::check_shape(k_signature, what, k_db, {size.out});
    both::check_all(k_signature, what);
  }

  template <class T>
  static product_problem<T> dx(const call& what) {
    const linear_size size = size_of_linear(Kind, what);
    return product_of<T>(input<T>(what, k_dy), input<T>(what, k_w), output<T>(what, k_dx),
                         size.rows, size.out, size.in);
  }
  // Of left_turned operands: x^T dy, or dy^T x.
  template <class T>
  static product_problem<T> dw(const call& what) {
    const linear_size size = size_of_linear(Kind, what);
    if (is_turned(Kind))
      return product_of<T>(input<T>(what, k_dy), input<T>(what, k_x), output<T>(what, k_dw),
                           size.out, size.rows, size.in);
    return product_of<T>(input<T>(what, k_x), input<T>(what, k_dy), output<T>(what, k_dw), size.in,
                         size.rows, size.out);
  }
  template <class T>
  static column_sums_problem<T> db(const call& what) {
    const linear_size size = size_of_linear(Kind, what);
    const auto dy = input<T>(what, k_dy);
    return {dy.at, output<T>(what, k_db).at, size.rows, dy.row, int(size.out)};
  }

 private:
  template <class T>
  static matrix_argument<const T> input(const call& what, std::size_t i) {
    return matrix_argument<const T>::of(what, i, k_linear);
  }
  template <class T>
  static matrix_argument<T> output(const call& what, std::size_t i) {
    return matrix_argument<T>::of(what, i, k_linear);
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
