// What a raw call of attention's gradients means: the tensors of attention_call.cuh as inputs, then
//
//   o, grad      as q
//   lse          [batch, heads, group, queries], fp32; between the two
//   dq, dk, dv   as q, k and v: the outputs
//
// and scratch memory: deltas, fp32, [batch, heads, group, queries], and what an implementation
// adds.
#pragma once

#include "optimized/attention_call.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

template <attention_kind Kind>
struct attention_gradient_call {
  using forward = attention_call<Kind>;
  static constexpr std::size_t k_o = forward::k_inputs, k_lse = k_o + 1, k_grad = k_o + 2,
                               k_dq = k_o + 3, k_dk = k_o + 4, k_dv = k_o + 5;

  // Throws simt::error where `what` is not one.
  static void check(const call& what) {
    const call_signature of{k_attention.name, k_dv + 1, 0, forward::k_parameters};
    forward::check_inputs(of, what);
    for (std::size_t i : {k_o, k_grad, k_dq})
      detail::check_shape(of, what, i, what.tensors[0].shape);
    for (std::size_t i : {k_dk, k_dv}) detail::check_shape(of, what, i, what.tensors[1].shape);
    detail::check_shape(of, what, k_lse, forward::shape_of_lse(what));
    forward::check_elements(of, what, k_lse);
  }

  static std::size_t bytes_of_deltas(const call& what) {
    return std::size_t(forward::size(what).rows()) * sizeof(float);
  }

  template <class T>
  static attention_gradient_problem<T> problem(const call& what) {
    attention_gradient_problem<T> p;
    p.size = forward::size(what);
    p.q = detail::head_rows_of<const T>(what, 0);
    p.k = detail::head_rows_of<const T>(what, 1);
    p.v = detail::head_rows_of<const T>(what, 2);
    p.o = detail::head_rows_of<const T>(what, k_o);
    p.grad = detail::head_rows_of<const T>(what, k_grad);
    p.dq = detail::head_rows_of<T>(what, k_dq);
    p.dk = detail::head_rows_of<T>(what, k_dk);
    p.dv = detail::head_rows_of<T>(what, k_dv);
    const tensor& lse = what.tensors[k_lse];
    p.lse = simt::bind<const float>(lse.data, lse.bytes());
    p.deltas = simt::bind<float>(what.workspace, bytes_of_deltas(what));
    p.mask = forward::mask(what);
    p.bias = forward::template bias<T>(what);
    p.scale = float(forward::scale(what));
    return p;
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
