// Launches the element-wise kernel on raw tensors: picks dtype, word and grid.
//
// A functor F<T> says what is applied to elements of type T (the 16-bit types have shorter routines
// than fp32):
//
//   template <class T> struct silu_fused {
//     static constexpr int k_inputs = 1;
//     explicit silu_fused(const call&) {}
//     SIMT_DEVICE float operator()(float x) const;
//   };
//   {"silu.plain.fwd", "fused", launch_map<silu_fused>}
#pragma once

#include "optimized/check_call.cuh"
#include "optimized/elementwise.cuh"
#include "optimized/launcher.hpp"

#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

namespace detail {

inline std::uintptr_t address_of(const tensor& t) {
  return reinterpret_cast<std::uintptr_t>(t.data);
}

// The layout in words of 16 bytes, where the arrays share their misalignment.
inline word_layout layout_in_words(std::int64_t count, std::size_t element,
                                   std::uintptr_t address) {
  const std::int64_t per_word = 16 / std::int64_t(element);
  const std::int64_t to_boundary = std::int64_t((16 - address % 16) % 16 / element);
  const std::int64_t head = to_boundary < count ? to_boundary : count;
  return {count, head, (count - head) / per_word};
}

// y = f(x) or dx = f(x, dy): all tensors alike. A functor says how many parameters it reads by a
// constant k_parameters; without one it reads none.
template <class F>
constexpr call_signature map_signature() {
  if constexpr (requires { F::k_parameters; })
    return {"map", F::k_inputs + 1, 0, F::k_parameters};
  else
    return {"map", F::k_inputs + 1};
}

template <class F, class T, int Bytes>
void launch_map_in(const call& what, const word_layout& layout, simt::queue& stream) {
  const dim3 grid =
      grid_of(map_signature<F>(), what, (layout.words + k_map_block - 1) / k_map_block);
  map_inputs<T, F::k_inputs> from;
  for (int a = 0; a < F::k_inputs; ++a)
    from.at[a] = simt::bind<const T>(what.tensors[a].data, what.tensors[a].bytes());
  const tensor& output = what.tensors[F::k_inputs];
  simt::launch(map<F, T, Bytes>, grid, dim3(k_map_threads), 0, stream, from,
               simt::bind<T>(output.data, output.bytes()), layout, F(what));
}

template <class F, class T>
void launch_map_of(const call& what, simt::queue& stream) {
  check_call(map_signature<F>(), what);
  const std::int64_t count = what.tensors[0].elements();
  if (count == 0) return;
  const std::uintptr_t address = address_of(what.tensors[0]);
  bool alike = true;
  for (int a = 1; a <= F::k_inputs; ++a)
    alike = alike && (address_of(what.tensors[a]) - address) % 16 == 0;
  if (alike)
    launch_map_in<F, T, 16>(what, layout_in_words(count, sizeof(T), address), stream);
  else
    launch_map_in<F, T, int(sizeof(T))>(what, {count, 0, count}, stream);
}

}  // namespace detail

// Throws simt::error for a call that is not one of this functor.
template <template <class> class F>
void launch_map(const call& what, simt::queue& stream) {
  const dtype type = what.tensors.empty() ? dtype::fp32 : what.tensors[0].type;
  if (type == dtype::bf16) return detail::launch_map_of<F<simt::bf16>, simt::bf16>(what, stream);
  if (type == dtype::fp16) return detail::launch_map_of<F<simt::fp16>, simt::fp16>(what, stream);
  detail::launch_map_of<F<float>, float>(what, stream);  // which refuses any other
}

}  // namespace assay::optimized::inline ASSAY_BUILD
