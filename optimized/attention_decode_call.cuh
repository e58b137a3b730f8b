// What a raw call of decoding means, and what is refused.
//
//   q       [batch, queries, heads, group, width]
//   k, v    [batch, keys, heads, width]; paged: [pages, page, heads, width]
//   table   [batch, slots], int32; paged alone: there is room for page slots keys, and entry i is
//           the page that holds those from page i on
//   lengths [batch], int32: keys of each batch, the newest queries' own included
//   o       as q
//   lse     [batch, heads, group, queries], fp32
//
// Tensors of heads may have strides, as attention's (attention_call.cuh). A length outside [0,
// keys] is the end of that which is nearer. An entry of the table that is no page makes its keys
// and values NaN, for whoever sees them; nothing is read there.
#pragma once

#include "optimized/attention_call.cuh"
#include "optimized/attention_decode_rows.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

template <bool Paged>
struct decode_call {
  static constexpr std::size_t k_table = 3, k_lengths = Paged ? 4 : 3, k_output = k_lengths + 1,
                               k_lse = k_output + 1;

  // Throws simt::error where `what` is not one.
  static void check(const call& what) {
    const call_signature of{k_attention.name, k_lse + 1, 0, 1};
    detail::check_counts(of, what);
    detail::check_floating(of, what);
    detail::check_rank(what, 0, 5);
    detail::check_rank(what, 1, 4);
    if (Paged) detail::check_rank(what, k_table, 2);
    for (std::size_t i = 0; i < k_lengths; ++i) detail::check_extents(what, i);
    const std::vector<std::int64_t>&q = what.tensors[0].shape, &k = what.tensors[1].shape;
    const std::vector<std::int64_t> cache{Paged ? k[0] : q[0], k[1], q[2], q[4]};
    for (std::size_t i = 1; i < 3; ++i) detail::check_shape(of, what, i, cache);
    if (Paged) {
      detail::check_shape(of, what, k_table, {q[0], what.tensors[k_table].shape[1]});
      check_capacity(what);
    }
    detail::check_shape(of, what, k_lengths, {q[0]});
    detail::check_shape(of, what, k_output, q);
    detail::check_shape(of, what, k_lse, {q[0], q[2], q[3], q[1]});
    detail::check_parameter("scale", what.parameters[0], 0x1p20, false);
    check_elements(of, what);
  }

  // size.keys: what there is room for in a batch.
  static attention_size size(const call& what) {
    const std::vector<std::int64_t>&q = what.tensors[0].shape, &k = what.tensors[1].shape;
    const std::int64_t keys = Paged ? what.tensors[k_table].shape[1] * k[1] : k[1];
    return {int(q[0]), int(q[1]), int(keys), int(q[2]), int(q[3]), int(q[4])};
  }

  template <class T>
  static decode_problem<T> problem(const call& what) {
    decode_problem<T> p;
    p.size = size(what);
    detail::bind_rows<T>(p, what, k_output);
    const tensor& lengths = what.tensors[k_lengths];
    p.lengths = simt::bind<const std::int32_t>(lengths.data, lengths.bytes());
    if (Paged) p.table = table(what);
    p.scale = float(detail::scale_of_scores(what));
    return p;
  }

 private:
  static page_table table(const call& what) {
    const tensor& t = what.tensors[k_table];
    const std::vector<std::int64_t>& k = what.tensors[1].shape;
    return {simt::bind<const std::int32_t>(t.data, t.bytes()), int(k[1]), int(t.shape[1]),
            int(k[0])};
  }
  static void check_capacity(const call& what) {
    const std::int64_t page = what.tensors[1].shape[1], slots = what.tensors[k_table].shape[1];
    if (page * slots > 0x7fffffff)
      detail::refuse(k_table, "has room for " + std::to_string(page * slots) + " keys",
                     "2^31 - 1 at most");
  }
  static void check_elements(const call_signature& of, const call& what) {
    for (std::size_t i = 0; i < what.tensors.size(); ++i) {
      const bool whole = i == k_lengths || (Paged && i == k_table);
      const dtype type = whole ? dtype::int32 : i == k_lse ? dtype::fp32 : what.tensors[0].type;
      if (what.tensors[i].type != type)
        detail::refuse(i, "is " + std::string(name_of(what.tensors[i].type)),
                       std::string(name_of(type)));
      if (whole || i == k_lse) detail::check_contiguous(of, what, i);
      detail::check_alignment(what, i);
    }
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
