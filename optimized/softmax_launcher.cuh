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
#include "optimized/softmax_gradient.cuh"
#include "optimized/softmax_three_pass.cuh"

#include <string>

namespace assay::optimized::inline ASSAY_BUILD {

// Who works on a row: a warp, a block, a block for each of its chunks; `any`: whichever its length
// wants; `naive`: the kernel that reads the row once for each of its passes.
enum class row_threads { any, warp, block, chunks, naive };

// Tensors are [rows, length], or [matrices, queries, keys] where the variant is causal. The first
// parameter of a scaled form is the temperature.
template <class Form, bool Causal = false>
struct softmax_variant {
  static constexpr bool k_causal = Causal;
  static constexpr bool k_scaled = requires(Form f) { f.inverse; };

  static Form form(const call& what) {
    Form form;
    if constexpr (k_scaled) form.inverse = 1.0f / float(what.parameters[0]);
    return form;
  }
  static softmax_rows rows(const call& what) {
    const std::vector<std::int64_t>& shape = what.tensors.front().shape;
    constexpr std::size_t k_rank = k_causal ? 3 : 2;
    if (shape.size() != k_rank)
      throw simt::error("softmax", "a tensor of rank " + std::to_string(shape.size()),
                        "rank " + std::to_string(k_rank));
    if (!k_causal) return {shape[0], shape[1], 0, 0};
    return {shape[0] * shape[1], shape[2], shape[1], shape[2] - shape[1]};
  }
};

inline std::int64_t row_chunks(const softmax_rows& rows) {
  return (rows.length + k_block_row - 1) / k_block_row;
}

// A call in one dtype.
template <class T>
struct row_call {
  const call& what;
  simt::queue& stream;
  softmax_rows rows;

  simt::global<const T> input(std::size_t t) const {
    return simt::bind<const T>(what.tensors[t].data, what.tensors[t].bytes());
  }
  simt::global<T> output() const {
    const tensor& last = what.tensors.back();
    return simt::bind<T>(last.data, last.bytes());
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
};

struct softmax_forward {
  static constexpr std::size_t k_tensors = 2;
  static constexpr std::size_t k_partials = 2;  // floats of scratch memory a chunk

  template <int Bytes, class Form, class T>
  static void run(const row_call<T>& c, row_threads how, const Form& form) {
    const auto x = c.input(0);
    const auto y = c.output();
    const std::int64_t chunks = row_chunks(c.rows);
    if (how == row_threads::naive)
      return c.launch(softmax_three_pass<Form, T>, c.rows.count, x, y, c.rows, form);
    if (how == row_threads::warp)
      return c.launch(softmax_on_chip<Form, T, Bytes, 32>, c.blocks_of_warps(), x, y, c.rows, form);
    if (how == row_threads::block)
      return c.launch(softmax_on_chip<Form, T, Bytes, k_softmax_threads>, c.rows.count, x, y,
                      c.rows, form);
    c.launch(softmax_chunk_sums<Form, T, Bytes>, c.rows.count * chunks, x,
             simt::bind<float>(c.what.workspace, c.what.workspace_bytes), c.rows, chunks, form);
    c.launch(softmax_from_chunks<Form, T, Bytes>, c.rows.count * chunks, x,
             simt::bind<const float>(c.what.workspace, c.what.workspace_bytes), y, c.rows, chunks,
             form);
  }
};

struct softmax_backward {
  static constexpr std::size_t k_tensors = 3;
  static constexpr std::size_t k_partials = 1;

  template <int Bytes, class Form, class T>
  static void run(const row_call<T>& c, row_threads how, const Form& form) {
    const auto y = c.input(0), dy = c.input(1);
    const auto dx = c.output();
    const std::int64_t chunks = row_chunks(c.rows);
    if (how == row_threads::naive)
      return c.launch(softmax_gradient_two_pass<Form, T>, c.rows.count, y, dy, dx, c.rows, form);
    if (how == row_threads::warp)
      return c.launch(softmax_gradient_on_chip<Form, T, Bytes, 32>, c.blocks_of_warps(), y, dy, dx,
                      c.rows, form);
    if (how == row_threads::block)
      return c.launch(softmax_gradient_on_chip<Form, T, Bytes, k_softmax_threads>, c.rows.count, y,
                      dy, dx, c.rows, form);
    c.launch(softmax_gradient_chunk_sums<Form, T, Bytes>, c.rows.count * chunks, y, dy,
             simt::bind<float>(c.what.workspace, c.what.workspace_bytes), c.rows, chunks, form);
    c.launch(softmax_gradient_from_chunks<Form, T, Bytes>, c.rows.count * chunks, y, dy,
             simt::bind<const float>(c.what.workspace, c.what.workspace_bytes), dx, c.rows, chunks,
             form);
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

template <class T>
bool takes_words(const call& what, const softmax_rows& rows) {
  bool aligned = rows.length % k_row_group<T> == 0;
  for (const tensor& each : what.tensors)
    aligned = aligned && reinterpret_cast<std::uintptr_t>(each.data) % 16 == 0;
  return aligned;
}

template <class Direction, class Variant, class T>
void launch_softmax_of(const call& what, simt::queue& stream, row_threads how) {
  const row_call<T> c{what, stream, Variant::rows(what)};
  if (c.rows.count == 0 || c.rows.length == 0) return;
  if (takes_words<T>(what, c.rows))
    Direction::template run<16>(c, how, Variant::form(what));
  else
    Direction::template run<int(sizeof(T))>(c, how, Variant::form(what));
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
  const call_signature of{"softmax", Direction::k_tensors, 0, Variant::k_scaled ? 1u : 0u};
  check_call(of, what);
  check_workspace(of, what, softmax_workspace<Direction, Variant, How>(what));
  const std::int64_t length = Variant::rows(what).length;
  detail::check_length(length, How);
  const row_threads how = detail::chosen_for(length, How);
  const dtype type = what.tensors[0].type;
  if (type == dtype::fp32)
    return detail::launch_softmax_of<Direction, Variant, float>(what, stream, how);
  if (type == dtype::bf16)
    return detail::launch_softmax_of<Direction, Variant, simt::bf16>(what, stream, how);
  detail::launch_softmax_of<Direction, Variant, simt::fp16>(what, stream, how);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
