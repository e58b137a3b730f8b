// What a raw call of multi-head attention means, and what is refused.
//
//   x      [batch, t, c]
//   w_qkv  [c, 3 c], b_qkv [3 c]
//   w_out  [c, c], b_out [c]
//   y      as x
//
// and a parameter, the number of heads, which divides c. Matrices may have rows any distance apart,
// x and y too, as long as the rows of all batches lie at one distance; biases are contiguous.
#pragma once

#include "optimized/attention_call.cuh"
#include "optimized/linear_call.cuh"
#include "optimized/multi_head.cuh"

#include <cmath>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr call_signature k_multi_head{"multi_head", 6, 0, 1};

struct multi_head_call {
  enum tensor_number : std::size_t { k_x, k_w_qkv, k_b_qkv, k_w_out, k_b_out, k_y };

  // Throws simt::error where `what` is not one.
  static void check(const call& what) {
    detail::check_counts(k_multi_head, what);
    detail::check_floating(k_multi_head, what);
    detail::check_rank(what, k_x, 3, k_multi_head.name);
    detail::check_extents(what, k_x, k_multi_head.name);
    check_heads(what);
    const std::int64_t c = size(what).channels;
    detail::check_shape(k_multi_head, what, k_w_qkv, {c, 3 * c});
    detail::check_shape(k_multi_head, what, k_b_qkv, {3 * c});
    detail::check_shape(k_multi_head, what, k_w_out, {c, c});
    detail::check_shape(k_multi_head, what, k_b_out, {c});
    detail::check_shape(k_multi_head, what, k_y, what.tensors[k_x].shape);
    for (std::size_t i = 0; i < what.tensors.size(); ++i) check_tensor(what, i);
  }

  static multi_head_size size(const call& what) {
    const std::vector<std::int64_t>& x = what.tensors[k_x].shape;
    return {x[0], x[1], x[2], std::int64_t(what.parameters[0])};
  }

  template <class T>
  static matrix_argument<T> matrix(const call& what, std::size_t i) {
    return matrix_argument<T>::of(what, i, k_multi_head.name);
  }

  // From one row of a matrix to the next, in elements.
  static std::int64_t row_of(const call& what, std::size_t i) {
    const std::vector<std::int64_t> steps = detail::steps_of(what, i, k_multi_head.name);
    return steps[steps.size() - 2];
  }

 private:
  static void check_heads(const call& what) {
    const double heads = what.parameters[0];
    const std::int64_t channels = what.tensors[k_x].shape[2];
    if (!(heads >= 1 && heads <= 0x1p24) || heads != std::floor(heads))
      throw simt::error(k_multi_head.name, "heads " + std::to_string(heads),
                        "a whole number from 1 to 16777216");
    if (channels % std::int64_t(heads) != 0)
      throw simt::error(k_multi_head.name,
                        std::to_string(channels) + " channels for " +
                            std::to_string(std::int64_t(heads)) + " heads",
                        "channels that the heads divide evenly");
  }

  static void check_tensor(const call& what, std::size_t i) {
    const tensor& t = what.tensors[i];
    if (t.type != what.tensors[k_x].type)
      detail::refuse(i, "is " + std::string(name_of(t.type)),
                     std::string(name_of(what.tensors[k_x].type)), k_multi_head.name);
    detail::check_alignment(what, i, k_multi_head.name);
    if (t.shape.size() == 1) return detail::check_contiguous(k_multi_head, what, i);
    const std::vector<std::int64_t> steps = detail::steps_of(what, i, k_multi_head.name);
    if (t.shape.size() == 3 && t.shape[0] > 1 && steps[0] != steps[1] * t.shape[1])
      detail::refuse(i, "has strides", "rows at one distance through all batches",
                     k_multi_head.name);
  }
};

// Both linear layers of a call: x to packed qkv, and joined heads to y.
template <class T>
product_problem<T> linear_of_qkv(const call& what, void* qkv) {
  using of = multi_head_call;
  const multi_head_size size = of::size(what);
  const std::int64_t c = size.channels;
  product_problem<T> p = product_of<T>(
      of::matrix<const T>(what, of::k_x), of::matrix<const T>(what, of::k_w_qkv),
      matrix_argument<T>::placed(qkv, std::size_t(size.rows() * 3 * c) * sizeof(T), 3 * c),
      size.rows(), c, 3 * c);
  add_bias(p, of::matrix<const T>(what, of::k_b_qkv));
  return p;
}
template <class T>
product_problem<T> linear_of_output(const call& what, const void* joined) {
  using of = multi_head_call;
  const multi_head_size size = of::size(what);
  const std::int64_t c = size.channels;
  product_problem<T> p = product_of<T>(
      matrix_argument<const T>::placed(joined, std::size_t(size.rows() * c) * sizeof(T), c),
      of::matrix<const T>(what, of::k_w_out), of::matrix<T>(what, of::k_y), size.rows(), c, c);
  add_bias(p, of::matrix<const T>(what, of::k_b_out));
  return p;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
