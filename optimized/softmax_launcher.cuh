// Launches the softmax kernels on raw tensors: dtype, width of access, and which kernel a row's
// length wants.
//
//   {"softmax.plain.fwd", "online", launch_softmax<softmax_forward, plain, row_threads::any>,
//    softmax_workspace<...>}
//
// A variant says what the tensors' shapes and parameters mean; a direction, which kernels there
// are.
#pragma once

#include "optimized/check_call.cuh"
#include "optimized/launcher.hpp"
#include "optimized/softmax.cuh"
#include "optimized/softmax_call.cuh"
#include "optimized/softmax_gradient.cuh"
#include "optimized/softmax_three_pass.cuh"

#include <string>

namespace assay::optimized::inline ASSAY_BUILD {

// Who works on a row: a warp, a block, a block for each of its chunks; `any`: whichever its length
// wants; `naive`: the kernel that reads the row once for each of its passes.
enum class row_threads { any, warp, block, chunks, naive };

inline std::int64_t row_chunks(const softmax_rows& rows) {
  return (rows.length + k_block_row - 1) / k_block_row;
}

// A call in one dtype; `mask` is the place of the tensor that masks, or 0.
template <class T>
struct row_call {
  const call& what;
  simt::queue& stream;
  softmax_rows rows;
  std::size_t mask;

  matrix_rows<const T> input(std::size_t t) const { return matrix<const T>(t); }
  matrix_rows<T> output() const { return matrix<T>(what.tensors.size() - 1); }
  template <class U>
  simt::global<U> scratch() const {
    return simt::bind<U>(what.workspace, what.workspace_bytes);
  }
  template <class Kernel, class... Arguments>
  void launch(Kernel kernel, std::int64_t blocks, const Arguments&... arguments) const {
    simt::launch(kernel, grid_of({"softmax", what.tensors.size()}, what, blocks),
                 dim3(k_softmax_threads), 0, stream, arguments...);
  }
  std::int64_t blocks_of_warps() const {
    constexpr std::int64_t k_warps = k_softmax_threads / 32;
    return (rows.count + k_warps - 1) / k_warps;
  }

 private:
  template <class U>
  matrix_rows<U> matrix(std::size_t t) const {
    return detail::rows_of<U>({"softmax", what.tensors.size()}, what, t);
  }
};

struct softmax_forward {
  static constexpr bool k_forward = true;
  static constexpr std::size_t k_tensors = 2;   // of scores
  static constexpr std::size_t k_partials = 2;  // floats of scratch memory a chunk

  template <int Bytes, class Variant, class T>
  static void run(const row_call<T>& c, row_threads how) {
    const auto form = Variant::form(c.what);
    if constexpr (Variant::k_mask == softmax_mask::additive)
      run_on<Bytes>(c, masked_scores<T>{c.input(0), c.input(c.mask), c.rows.queries}, how, form);
    else
      run_on<Bytes>(c, plain_scores<T>{c.input(0)}, how, form);
  }

 private:
  template <int Bytes, class Form, class T, class Scores>
  static void run_on(const row_call<T>& c, const Scores& x, row_threads how, const Form& form) {
    const auto y = c.output();
    const std::int64_t chunks = row_chunks(c.rows);
    if (how == row_threads::naive)
      return c.launch(softmax_three_pass<Form, Scores>, c.rows.count, x, y, c.rows, form);
    if (how == row_threads::warp)
      return c.launch(softmax_on_chip<Form, Scores, Bytes, 32>, c.blocks_of_warps(), x, y, c.rows,
                      form);
    if (how == row_threads::block)
      return c.launch(softmax_on_chip<Form, Scores, Bytes, k_softmax_threads>, c.rows.count, x, y,
                      c.rows, form);
    c.launch(softmax_chunk_sums<Form, Scores, Bytes>, c.rows.count * chunks, x,
             c.template scratch<float>(), c.rows, chunks, form);
    c.launch(softmax_from_chunks<Form, Scores, Bytes>, c.rows.count * chunks, x,
             c.template scratch<const float>(), y, c.rows, chunks, form);
  }
};

struct softmax_backward {
  static constexpr bool k_forward = false;
  static constexpr std::size_t k_tensors = 3;
  static constexpr std::size_t k_partials = 1;

  template <int Bytes, class Variant, class T>
  static void run(const row_call<T>& c, row_threads how) {
    using form_type = typename Variant::form_type;
    const form_type form = Variant::form(c.what);
    const auto y = c.input(0), dy = c.input(1);
    const auto dx = c.output();
    const std::int64_t chunks = row_chunks(c.rows);
    if (how == row_threads::naive)
      return c.launch(softmax_gradient_two_pass<form_type, T>, c.rows.count, y, dy, dx, c.rows,
                      form);
    if (how == row_threads::warp)
      return c.launch(softmax_gradient_on_chip<form_type, T, Bytes, 32>, c.blocks_of_warps(), y, dy,
                      dx, c.rows, form);
    if (how == row_threads::block)
      return c.launch(softmax_gradient_on_chip<form_type, T, Bytes, k_softmax_threads>,
                      c.rows.count, y, dy, dx, c.rows, form);
    c.launch(softmax_gradient_chunk_sums<form_type, T, Bytes>, c.rows.count * chunks, y, dy,
             c.template scratch<float>(), c.rows, chunks, form);
    c.launch(softmax_gradient_from_chunks<form_type, T, Bytes>, c.rows.count * chunks, y, dy,
             c.template scratch<const float>(), dx, c.rows, chunks, form);
  }
};

namespace detail {

inline row_threads chosen_for(std::int64_t length, row_threads how) {
  if (how != row_threads::any) return how;
  if (length <= k_warp_row) return row_threads::warp;
  return length <= k_block_row ? row_threads::block : row_threads::chunks;
}

inline void check_length(std::int64_t length, row_threads how) {
  const std::int64_t most = how == row_threads::warp ? k_warp_row : k_block_row;
  if ((how == row_threads::warp || how == row_threads::block) && length > most)
    throw simt::error("softmax", "a row of " + std::to_string(length) + " elements",
                      "at most " + std::to_string(most));
}

template <class Direction, class Variant, class T>
void launch_softmax_of(const call_signature& of, const call& what, simt::queue& stream,
                       row_threads how) {
  constexpr std::size_t k_mask = mask_place(Variant::k_mask, Direction::k_forward);
  row_call<T> c{what, stream, Variant::rows(what), k_mask};
  if (c.rows.count == 0 || c.rows.length == 0) return;
  if (c.rows.padded) {
    const tensor& lengths = what.tensors[k_mask];
    c.rows.lengths = simt::bind<const std::int32_t>(lengths.data, lengths.bytes());
  }
  if (takes_words<T>(of, what))
    Direction::template run<16, Variant>(c, how);
  else
    Direction::template run<int(sizeof(T)), Variant>(c, how);
}

}  // namespace detail

template <class Direction, class Variant, row_threads How>
std::size_t softmax_workspace(const call& what) {
  const softmax_rows rows = Variant::rows(what);
  if (detail::chosen_for(rows.length, How) != row_threads::chunks) return 0;
  return std::size_t(rows.count * row_chunks(rows)) * Direction::k_partials * sizeof(float);
}

// Throws simt::error for a call that is not one of this function, or a row that is too long for
// How.
template <class Direction, class Variant, row_threads How>
void launch_softmax(const call& what, simt::queue& stream) {
  constexpr bool k_masked = mask_place(Variant::k_mask, Direction::k_forward) > 0;
  const call_signature of{"softmax", Direction::k_tensors + (k_masked ? 1u : 0u), 0,
                          Variant::k_scaled ? 1u : 0u};
  check_softmax_call<Variant, Direction::k_forward>(of, what);
  check_workspace(of, what, softmax_workspace<Direction, Variant, How>(what));
  const std::int64_t length = Variant::rows(what).length;
  detail::check_length(length, How);
  const row_threads how = detail::chosen_for(length, How);
  const dtype type = what.tensors[0].type;
  if (type == dtype::fp32)
    return detail::launch_softmax_of<Direction, Variant, float>(of, what, stream, how);
  if (type == dtype::bf16)
    return detail::launch_softmax_of<Direction, Variant, simt::bf16>(of, what, stream, how);
  detail::launch_softmax_of<Direction, Variant, simt::fp16>(of, what, stream, how);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
