// What a raw call of softmax means: the roles of its tensors, where its rows lie, and what is
// refused.
#pragma once

#include "optimized/check_call.cuh"
#include "optimized/launcher.hpp"
#include "optimized/matrix_rows.cuh"
#include "optimized/softmax_rows.cuh"

#include <string>

namespace assay::optimized::inline ASSAY_BUILD {

// What hides scores. Tensors of scores are [rows, length] without a mask, else [matrices, queries,
// keys].
//   causal    by position: bottom-right aligned
//   padding   by position: of each matrix the keys from its length on; the lengths are int32,
//             [matrices], behind the inputs
//   additive  forward: a matrix of scores, [queries, keys], behind the inputs, is added
enum class softmax_mask { none, causal, padding, additive };

// Form: what becomes of a score. The first parameter of a scaled form is the temperature.
template <class Form, softmax_mask Mask = softmax_mask::none>
struct softmax_variant {
  using form_type = Form;
  static constexpr softmax_mask k_mask = Mask;
  static constexpr bool k_scaled = requires(Form f) { f.inverse; };

  static Form form(const call& what) {
    Form form;
    if constexpr (k_scaled) form.inverse = 1.0f / float(what.parameters[0]);
    return form;
  }
  static softmax_rows rows(const call& what) {
    const std::vector<std::int64_t>& shape = what.tensors.front().shape;
    constexpr std::size_t k_rank = k_mask == softmax_mask::none ? 2 : 3;
    if (shape.size() != k_rank)
      throw simt::error("softmax", "a tensor of rank " + std::to_string(shape.size()),
                        "rank " + std::to_string(k_rank));
    softmax_rows rows;
    rows.count = k_rank == 2 ? shape[0] : shape[0] * shape[1];
    rows.length = shape.back();
    if (k_rank == 3) rows.queries = shape[1];
    rows.causal = k_mask == softmax_mask::causal;
    rows.ahead = rows.causal ? rows.length - rows.queries : 0;
    rows.padded = k_mask == softmax_mask::padding;
    return rows;
  }
};

// Of a call with so many tensors of scores that are inputs, and one that is the output: where the
// tensor of its mask stands, or 0.
constexpr std::size_t mask_place(softmax_mask mask, bool forward) {
  if (mask == softmax_mask::padding) return forward ? 1 : 2;
  return mask == softmax_mask::additive && forward ? 1 : 0;
}

// Throws simt::error where `what` is not a call of this variant and direction.
template <class Variant, bool Forward>
void check_softmax_call(const call_signature& of, const call& what) {
  constexpr std::size_t k_mask = mask_place(Variant::k_mask, Forward);
  detail::check_counts(of, what);
  detail::check_floating(of, what);
  const std::vector<std::int64_t>& shape = what.tensors[0].shape;
  Variant::rows(what);  // its rank
  for (std::size_t i = 0; i < what.tensors.size(); ++i) {
    const bool lengths = i == k_mask && Variant::k_mask == softmax_mask::padding;
    const bool added = k_mask > 0 && i == k_mask && !lengths;
    const std::int64_t count = lengths ? shape[0]
                               : added ? shape[1] * shape[2]
                                       : what.tensors[0].elements();
    detail::check_tensor(of, what, i, lengths ? dtype::int32 : what.tensors[0].type, count);
    if (lengths) {
      detail::check_contiguous(of, what, i);
      continue;
    }
    detail::check_shape(of, what, i, added ? std::vector{shape[1], shape[2]} : shape);
    detail::row_stride(of, what, i);
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
