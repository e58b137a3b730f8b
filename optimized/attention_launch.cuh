// What the launchers of attention share, forward, backward and linear.
#pragma once

#include "optimized/attention_call.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

inline constexpr double k_log2_e = 0x1.71547652b82fep+0;

inline std::int64_t blocks_for(std::int64_t work, std::int64_t each) {
  return (work + each - 1) / each;
}

// `of`: the component whose call it is.
template <class Kernel, class... Arguments>
void launch_blocks_of(const call_signature& of, Kernel kernel, std::int64_t blocks, int threads,
                      std::size_t shared_bytes, const call& what, simt::queue& stream,
                      const Arguments&... arguments) {
  simt::launch(kernel, grid_of(of, what, blocks), dim3(unsigned(threads)), shared_bytes, stream,
               arguments...);
}
template <class Kernel, class... Arguments>
void launch_blocks(Kernel kernel, std::int64_t blocks, int threads, std::size_t shared_bytes,
                   const call& what, simt::queue& stream, const Arguments&... arguments) {
  launch_blocks_of(k_attention, kernel, blocks, threads, shared_bytes, what, stream, arguments...);
}

// run(float()), or another number of the dtype of a call.
template <class Run>
void in_dtype_of(const call& what, const Run& run) {
  const dtype type = what.tensors[0].type;
  if (type == dtype::fp32) return run(float());
  if (type == dtype::bf16) return run(simt::bf16());
  run(simt::fp16());
}

// Blocks of tiles of so many queries, over all heads.
inline std::int64_t blocks_of_tiles(const attention_size& size, int tile) {
  return blocks_for(size.queries, tile) * size.batch * size.query_heads();
}

// Does every row of a tensor begin at a multiple of 16 bytes?
inline bool has_words(const call& what, std::size_t i) {
  const tensor& t = what.tensors[i];
  const std::int64_t word = 16 / std::int64_t(size_of(t.type));
  bool aligned = reinterpret_cast<std::uintptr_t>(t.data) % 16 == 0;
  const std::vector<std::int64_t> steps = detail::steps_of(what, i);
  for (std::size_t d = 0; d + 1 < steps.size(); ++d)
    aligned = aligned && (t.shape[d] <= 1 || steps[d] % word == 0);
  return aligned;
}
inline void check_words(const call& what, std::size_t i) {
  if (!has_words(what, i))
    detail::refuse(i, "has rows at other places", "rows at multiples of 16 bytes");
}

// Calls run<Width>() for the widths of heads that tensor cores are given; throws simt::error for
// others.
template <class Run>
void by_width(int width, const Run& run) {
  switch (width) {
    case 32:
      return run.template operator()<32>();
    case 64:
      return run.template operator()<64>();
    case 96:
      return run.template operator()<96>();
    case 128:
      return run.template operator()<128>();
    default:
      detail::refuse(0, "has heads of " + std::to_string(width), "32, 64, 96 or 128");
  }
}

}  // namespace assay::optimized::inline ASSAY_BUILD
