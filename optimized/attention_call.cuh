// What a raw call of attention means: the roles of its tensors, where heads lie, and what is
// refused.
//
//   q    [batch, queries, heads, group, width]
//   k, v [batch, keys, heads, width]
//   one more, of the kinds that have it:
//     lengths [batch], int32; padding
//     slopes  [heads, group], fp32; alibi
//     bias    [heads, group, queries, keys], as q; bias
//     live    [queries / 64, keys / 64], upwards, int32; blocks
//   o    as q
//   lse  [batch, heads, group, queries], fp32
//
// Tensors of heads may have strides (packed QKV is one), as long as the elements of a row are
// neighbours and the heads of all groups lie at one distance.
#pragma once

#include "optimized/attention_rows.cuh"
#include "optimized/check_call.cuh"

#include <cmath>
#include <string>

namespace assay::optimized::inline ASSAY_BUILD {

//   causal   what lies behind a query's own key is not seen
//   window   parameters left and right: so many keys before its own and behind it are seen
//   padding  of each batch, keys from its length on are not seen
//   alibi    causal; a score loses its head's slope for each key from the query's own to this one
//   bias     a number is added to each score; where that is -infinity the pair is not there
//   blocks   pairs in blocks that are not live (0) are not there; parameter causal, 0 or 1
enum class attention_kind { dense, causal, window, padding, alibi, bias, blocks };

inline constexpr call_signature k_attention{"attention", 0};

namespace detail {

// As check_call.cuh has them, said of attention.
inline void refuse(std::size_t tensor, const std::string& what, const std::string& expected) {
  refuse(tensor, what, expected, k_attention.name);
}
inline std::vector<std::int64_t> steps_of(const call& what, std::size_t i) {
  return steps_of(what, i, k_attention.name);
}
inline void check_extents(const call& what, std::size_t i) {
  check_extents(what, i, k_attention.name);
}
inline void check_rank(const call& what, std::size_t i, std::size_t rank) {
  check_rank(what, i, rank, k_attention.name);
}
inline void check_alignment(const call& what, std::size_t i) {
  check_alignment(what, i, k_attention.name);
}

template <class T>
head_rows<T> head_rows_of(const call& what, std::size_t i, const char* by = k_attention.name) {
  const tensor& t = what.tensors[i];
  const std::vector<std::int64_t> steps = steps_of(what, i, by);
  const std::size_t rank = steps.size();
  if (rank == 5 && t.shape[2] > 1 && t.shape[3] > 1 && steps[2] != steps[3] * t.shape[3])
    refuse(i, "has strides", "heads at one distance through all groups", by);
  const std::int64_t head = rank == 5 && t.shape[3] == 1 ? steps[2] : steps[rank - 2];
  return {simt::bind<T>(t.data, t.bytes()), steps[0], steps[1], head};
}

inline void check_parameter(const char* name, double given, double most, bool whole) {
  if (!(given >= 0 && given <= most) || (whole && given != std::floor(given)))
    throw simt::error(k_attention.name, std::string(name) + " " + std::to_string(given),
                      std::string(whole ? "a whole number" : "a number") + " from 0 to " +
                          std::to_string(std::int64_t(most)));
}

// q, k and v, and o and lse, which stand at `output` and behind it.
template <class T, class Problem>
void bind_rows(Problem& p, const call& what, std::size_t output) {
  p.q = head_rows_of<const T>(what, 0);
  p.k = head_rows_of<const T>(what, 1);
  p.v = head_rows_of<const T>(what, 2);
  p.o = head_rows_of<T>(what, output);
  const tensor& lse = what.tensors[output + 1];
  p.lse = simt::bind<float>(lse.data, lse.bytes());
}

// The first parameter; 0 stands for 1 / sqrt(width).
inline double scale_of_scores(const call& what) {
  const double given = what.parameters[0];
  return given != 0 ? given : 1 / std::sqrt(double(what.tensors[0].shape[4]));
}

}  // namespace detail

// The parts of a call of one kind.
template <attention_kind Kind>
struct attention_call {
  static constexpr bool k_padded = Kind == attention_kind::padding,
                        k_alibi = Kind == attention_kind::alibi,
                        k_biased = Kind == attention_kind::bias,
                        k_blocks = Kind == attention_kind::blocks;
  static constexpr std::size_t k_inputs = k_padded || k_alibi || k_biased || k_blocks ? 4 : 3;
  static constexpr std::size_t k_parameters = Kind == attention_kind::window ? 3 : k_blocks ? 2 : 1;

  // Throws simt::error where `what` is not one.
  static void check(const call& what) {
    const call_signature of{k_attention.name, k_inputs + 2, 0, k_parameters};
    check_inputs(of, what);
    detail::check_shape(of, what, k_inputs, what.tensors[0].shape);
    detail::check_shape(of, what, k_inputs + 1, shape_of_lse(what));
    check_elements(of, what, k_inputs + 1);
  }

  // Numbers of tensors and parameters, what the parameters are, shapes of q, k, v and lengths.
  static void check_inputs(const call_signature& of, const call& what) {
    detail::check_counts(of, what);
    detail::check_floating(of, what);
    detail::check_rank(what, 0, 5);
    detail::check_rank(what, 1, 4);
    for (std::size_t i = 0; i < 2; ++i) detail::check_extents(what, i);
    const attention_size s = size(what);
    const std::vector<std::int64_t> keys{s.batch, s.keys, s.heads, s.width};
    for (std::size_t i = 1; i < 3; ++i) detail::check_shape(of, what, i, keys);
    if (k_inputs > 3) detail::check_shape(of, what, 3, shape_of_fourth(what));
    detail::check_parameter("scale", what.parameters[0], 0x1p20, false);
    if (k_blocks) detail::check_parameter("causal", what.parameters[1], 1, true);
    for (std::size_t k = 1; k < k_parameters && !k_blocks; ++k)
      detail::check_parameter(k == 1 ? "left" : "right", what.parameters[k], 0x1p24, true);
  }

  static std::vector<std::int64_t> shape_of_fourth(const call& what) {
    const attention_size s = size(what);
    const auto blocks = [](std::int64_t n) { return (n + k_live_block - 1) / k_live_block; };
    if (k_padded) return {s.batch};
    if (k_alibi) return {s.heads, s.group};
    if (k_biased) return {s.heads, s.group, s.queries, s.keys};
    return {blocks(s.queries), blocks(s.keys)};
  }
  static dtype type_of_fourth(const call& what) {
    if (k_alibi) return dtype::fp32;
    return k_biased ? what.tensors[0].type : dtype::int32;
  }

  // Dtypes of all tensors, lse being that one; where they lie.
  static void check_elements(const call_signature& of, const call& what, std::size_t lse) {
    for (std::size_t i = 0; i < what.tensors.size(); ++i) {
      const bool fourth = k_inputs > 3 && i == 3;
      const dtype type = fourth     ? type_of_fourth(what)
                         : i == lse ? dtype::fp32
                                    : what.tensors[0].type;
      if (what.tensors[i].type != type)
        detail::refuse(i, "is " + std::string(name_of(what.tensors[i].type)),
                       std::string(name_of(type)));
      if (fourth || i == lse) detail::check_contiguous(of, what, i);
      detail::check_alignment(what, i);
    }
  }

  static std::vector<std::int64_t> shape_of_lse(const call& what) {
    const attention_size s = size(what);
    return {s.batch, s.heads, s.group, s.queries};
  }

  static attention_size size(const call& what) {
    const std::vector<std::int64_t>&q = what.tensors[0].shape, &k = what.tensors[1].shape;
    return {int(q[0]), int(q[1]), int(k[1]), int(q[2]), int(q[3]), int(q[4])};
  }

  template <class T>
  static attention_problem<T> problem(const call& what) {
    attention_problem<T> p;
    p.size = size(what);
    detail::bind_rows<T>(p, what, k_inputs);
    p.mask = mask(what);
    p.bias = bias<T>(what);
    p.scale = float(scale(what));
    return p;
  }

  template <class T>
  static score_bias<T> bias(const call& what) {
    const attention_size s = size(what);
    score_bias<T> all;
    all.queries = s.queries;
    all.first.keys = s.keys;
    all.first.ahead = s.keys - s.queries;
    if constexpr (k_inputs > 3) {
      const tensor& given = what.tensors[3];
      if (k_alibi) {
        all.first.kind = bias_kind::slopes;
        all.slopes = simt::bind<const float>(given.data, given.bytes());
      }
      if (k_biased) {
        all.first.kind = bias_kind::table;
        all.first.table = simt::bind<const T>(given.data, given.bytes());
      }
      if (k_blocks) {
        all.first.kind = bias_kind::blocks;
        all.first.live = simt::bind<const std::int32_t>(given.data, given.bytes());
      }
    }
    return all;
  }

  static position_mask mask(const call& what) {
    const attention_size s = size(what);
    position_mask m;
    m.all.length = s.keys;
    m.all.queries = s.queries;
    m.all.ahead = s.keys - s.queries;
    const bool causal =
        k_blocks ? what.parameters[1] != 0 : k_alibi || Kind == attention_kind::causal;
    if (causal) m.all.right = 0;
    if (Kind == attention_kind::window) {
      m.all.left = int(what.parameters[1]);
      m.all.right = int(what.parameters[2]);
    }
    if (k_padded) {
      m.padded = true;
      m.lengths = simt::bind<const std::int32_t>(what.tensors[3].data, what.tensors[3].bytes());
    }
    return m;
  }

  static double scale(const call& what) { return detail::scale_of_scores(what); }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
