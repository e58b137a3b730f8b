// What a raw call of linear attention means, and what is refused: the tensors of attention
// (attention_call.cuh) without its log-sum-exp.
//
//   q    [batch, queries, heads, group, width]
//   k, v [batch, keys, heads, width]
//   o    as q
#pragma once

#include "optimized/attention_call.cuh"
#include "optimized/linear_attention_rows.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr call_signature k_linear_attention{"linear_attention", 4};

template <attention_kind Kind>
struct linear_attention_call {
  static_assert(Kind == attention_kind::dense || Kind == attention_kind::causal);
  static constexpr std::size_t k_output = 3;

  // Throws simt::error where `what` is not one.
  static void check(const call& what) {
    constexpr const char* by = k_linear_attention.name;
    detail::check_counts(k_linear_attention, what);
    detail::check_floating(k_linear_attention, what);
    detail::check_rank(what, 0, 5, by);
    detail::check_rank(what, 1, 4, by);
    for (std::size_t i = 0; i < 2; ++i) detail::check_extents(what, i, by);
    const attention_size s = size(what);
    const std::vector<std::int64_t> keys{s.batch, s.keys, s.heads, s.width};
    for (std::size_t i = 1; i < 3; ++i) detail::check_shape(k_linear_attention, what, i, keys);
    detail::check_shape(k_linear_attention, what, k_output, what.tensors[0].shape);
    for (std::size_t i = 0; i < what.tensors.size(); ++i) {
      const dtype type = what.tensors[0].type;
      if (what.tensors[i].type != type)
        detail::refuse(i, "is " + std::string(name_of(what.tensors[i].type)),
                       std::string(name_of(type)), by);
      detail::check_alignment(what, i, by);
    }
  }

  static attention_size size(const call& what) { return attention_call<Kind>::size(what); }

  template <class T>
  static linear_attention_problem<T> problem(const call& what) {
    constexpr const char* by = k_linear_attention.name;
    linear_attention_problem<T> p;
    p.size = size(what);
    p.q = detail::head_rows_of<const T>(what, 0, by);
    p.k = detail::head_rows_of<const T>(what, 1, by);
    p.v = detail::head_rows_of<const T>(what, 2, by);
    p.o = detail::head_rows_of<T>(what, k_output, by);
    p.mask.length = p.size.keys;
    p.mask.queries = p.size.queries;
    p.mask.ahead = p.size.keys - p.size.queries;
    if (Kind == attention_kind::causal) p.mask.right = 0;
    return p;
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
