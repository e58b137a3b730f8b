// What a raw call of layer norm means: the roles of its tensors, and what is refused.
#pragma once

#include "optimized/launcher.hpp"
#include "optimized/row_call.cuh"

#include <string>
#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {

// Tensors of a call, in order; [rows, c] and [c] in the call's type, [rows] and what is marked in
// fp32. The one parameter of a forward call is eps.
//
//   forward             x, gamma, beta; y, mean, rstd
//   with a residual     x, residual, gamma, beta; sum, y, mean, rstd
//   backward            dy, x, gamma, mean, rstd; dx, dgamma (fp32), dbeta (fp32)
//   with a residual     dy, sum, gamma, mean, rstd, dsum; dx, dgamma (fp32), dbeta (fp32)
enum class layer_norm_role { matrix, channels, rows, channels_fp32 };

// A row's length as a float must be exact: sums are divided by it.
inline constexpr std::int64_t k_longest_normalized_row = std::int64_t(1) << 24;

template <bool Residual>
struct layer_norm_forward_call {
  static constexpr call_signature k_signature{"layer_norm", Residual ? 8u : 6u, 0, 1};
  enum tensor_number : std::size_t {
    k_x,
    k_residual,
    k_gamma = Residual ? 2 : 1,
    k_beta,
    k_sum,
    k_y = Residual ? 5 : 3,
    k_mean,
    k_rstd
  };
  static layer_norm_role role(std::size_t i) {
    if (i == k_gamma || i == k_beta) return layer_norm_role::channels;
    return i >= k_mean ? layer_norm_role::rows : layer_norm_role::matrix;
  }
};

template <bool Residual>
struct layer_norm_backward_call {
  static constexpr call_signature k_signature{"layer_norm", Residual ? 9u : 8u, 0, 0};
  enum tensor_number : std::size_t {
    k_dy,
    k_x,
    k_gamma,
    k_mean,
    k_rstd,
    k_dsum,
    k_dx = Residual ? 6 : 5,
    k_dgamma,
    k_dbeta
  };
  static layer_norm_role role(std::size_t i) {
    if (i == k_gamma) return layer_norm_role::channels;
    if (i == k_mean || i == k_rstd) return layer_norm_role::rows;
    return i >= k_dgamma ? layer_norm_role::channels_fp32 : layer_norm_role::matrix;
  }
};

// Throws simt::error where `what` is not one; of its first tensor the count and length of the rows.
template <class Call>
void check_layer_norm_call(const call& what) {
  const call_signature of = Call::k_signature;
  detail::check_counts(of, what);
  detail::check_floating(of, what);
  const std::vector<std::int64_t>& matrix = what.tensors[0].shape;
  if (matrix.size() != 2)
    throw simt::error(of.name, "a tensor of rank " + std::to_string(matrix.size()), "rank 2");
  if (matrix[0] < 0 || matrix[1] < 0)
    throw simt::error(of.name, "a tensor with an extent below 0", "0 at least");
  if (matrix[1] > k_longest_normalized_row)
    throw simt::error(of.name, "a row of " + std::to_string(matrix[1]) + " elements",
                      "at most " + std::to_string(k_longest_normalized_row));
  for (std::size_t i = 0; i < what.tensors.size(); ++i) {
    const layer_norm_role role = Call::role(i);
    const bool own = role == layer_norm_role::matrix || role == layer_norm_role::channels;
    const std::vector<std::int64_t> shape = role == layer_norm_role::matrix ? matrix
                                            : role == layer_norm_role::rows
                                                ? std::vector{matrix[0]}
                                                : std::vector{matrix[1]};
    detail::check_shape(of, what, i, shape);
    detail::check_tensor(of, what, i, own ? what.tensors[0].type : dtype::fp32,
                         what.tensors[i].elements());
    if (role == layer_norm_role::matrix)
      detail::row_stride(of, what, i);
    else
      detail::check_contiguous(of, what, i);
  }
}

// eps of a forward call; throws simt::error where it is negative or no finite fp32 number.
inline float checked_eps(const call& what) {
  const float eps = float(what.parameters[0]);
  if (!(eps >= 0.0f && eps < INFINITY))
    throw simt::error("layer_norm", "eps " + std::to_string(what.parameters[0]),
                      "a finite number, 0 at least");
  return eps;
}

// Can all tensors of the call's own type be read and written by words?
template <class Call, class T>
bool takes_words(const call& what) {
  bool all = true;
  for (std::size_t i = 0; i < what.tensors.size(); ++i) {
    const layer_norm_role role = Call::role(i);
    if (role == layer_norm_role::matrix || role == layer_norm_role::channels)
      all = all && detail::takes_words<T>(Call::k_signature, what, i);
  }
  return all;
}

// Calls launch<T>() with the type of the call's first tensor.
template <class Launch>
void with_type_of(const call& what, const Launch& launch) {
  const dtype type = what.tensors[0].type;
  if (type == dtype::fp32) return launch.template operator()<float>();
  if (type == dtype::bf16) return launch.template operator()<simt::bf16>();
  launch.template operator()<simt::fp16>();
}

}  // namespace assay::optimized::inline ASSAY_BUILD
