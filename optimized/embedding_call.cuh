// What a raw call of embedding means:
//
//   ids        [batch, length], int32      forward: tokens, positions, ids, x
//   tokens     [tokens, width]             offset: tokens, positions, ids, lengths, x
//   positions  [positions, width]          backward: dx, ids, dtokens, dpositions
//   lengths    [batch], int32
//   x          [batch, length, width]
//
// Positions are at least as many as a sequence is long. Matrices may have rows any distance apart,
// x and dx too, as long as the rows of all batches lie at one distance; ids and lengths are
// contiguous. They are on the device: what they are is not looked at here.
#pragma once

#include "optimized/embedding.cuh"
#include "optimized/matrix_rows.cuh"

#include <string>

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr call_signature k_embedding{"embedding", 4};

enum class embedding_pass { forward, offset, backward };

template <embedding_pass Pass>
struct embedding_call {
  static constexpr bool k_forward = Pass != embedding_pass::backward,
                        k_offset = Pass == embedding_pass::offset;
  static constexpr std::size_t k_ids = k_forward ? 2 : 1, k_tokens = k_forward ? 0 : 2,
                               k_positions = k_forward ? 1 : 3, k_lengths = 3,
                               k_x = !k_forward ? 0
                                     : k_offset ? 4
                                                : 3;

  static embedding_size size(const call& what) {
    const std::vector<std::int64_t>& x = what.tensors[k_x].shape;
    return {x[0], x[1], what.tensors[k_tokens].shape[0], what.tensors[k_positions].shape[0], x[2]};
  }

  // Throws simt::error where `what` is not one.
  static void check(const call& what) {
    detail::check_counts({k_embedding.name, k_offset ? 5u : 4u}, what);
    check_rank(what, k_x, 3);
    for (const std::size_t i : {k_ids, k_tokens, k_positions}) check_rank(what, i, 2);
    const embedding_size s = size(what);
    detail::check_shape(k_embedding, what, k_ids, {s.batch, s.length});
    detail::check_shape(k_embedding, what, k_tokens, {s.tokens, s.width});
    detail::check_shape(k_embedding, what, k_positions, {s.positions, s.width});
    detail::check_tensor(k_embedding, what, k_ids, dtype::int32, s.ids());
    detail::check_contiguous(k_embedding, what, k_ids);
    if (k_offset) check_lengths(what, s.batch);
    detail::check_floating(k_embedding, what, k_x);
    for (const std::size_t i : {k_tokens, k_positions, k_x}) {
      detail::check_tensor(k_embedding, what, i, what.tensors[k_x].type,
                           what.tensors[i].elements());
      detail::row_stride(k_embedding, what, i);
    }
    if (s.length > s.positions)
      refuse(k_positions, "has " + std::to_string(s.positions) + " rows",
             "one for each of " + std::to_string(s.length) + " positions");
    if (s.ids() > k_most || s.tokens > k_most)
      refuse(k_ids,
             "asks for " + std::to_string(s.ids()) + " of " + std::to_string(s.tokens) + " rows",
             "numbers below 2^31 - 1");
  }

  template <class T>
  static matrix_rows<T> rows(const call& what, std::size_t i) {
    const tensor& t = what.tensors[i];
    return {simt::bind<T>(t.data, t.bytes()), detail::row_stride(k_embedding, what, i)};
  }
  static simt::global<const std::int32_t> ids(const call& what) { return numbers(what, k_ids); }
  static simt::global<const std::int32_t> lengths(const call& what) {
    return numbers(what, k_lengths);
  }
  template <class T>
  static table_gradient<T> gradient(const call& what, std::size_t table) {
    return {rows<const T>(what, k_x), rows<T>(what, table), what.tensors[table].shape[0],
            size(what).width};
  }

 private:
  static constexpr std::int64_t k_most = 0x7ffffffe;

  [[noreturn]] static void refuse(std::size_t i, const std::string& what,
                                  const std::string& expected) {
    throw simt::error(k_embedding.name, detail::tensor_number(i) + " " + what, expected);
  }
  static simt::global<const std::int32_t> numbers(const call& what, std::size_t i) {
    return simt::bind<const std::int32_t>(what.tensors[i].data, what.tensors[i].bytes());
  }
  static void check_lengths(const call& what, std::int64_t batch) {
    check_rank(what, k_lengths, 1);
    detail::check_shape(k_embedding, what, k_lengths, {batch});
    detail::check_tensor(k_embedding, what, k_lengths, dtype::int32, batch);
    detail::check_contiguous(k_embedding, what, k_lengths);
  }
  static void check_rank(const call& what, std::size_t i, std::size_t rank) {
    const std::vector<std::int64_t>& shape = what.tensors[i].shape;
    if (shape.size() != rank)
      refuse(i, "is of rank " + std::to_string(shape.size()), std::to_string(rank));
    for (std::int64_t extent : shape)
      if (extent < 0) refuse(i, "has an extent of " + std::to_string(extent), "0 or more");
  }
};

}  // namespace assay::optimized::inline ASSAY_BUILD
