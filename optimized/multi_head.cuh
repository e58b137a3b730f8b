// Multi-head attention: a linear layer that makes queries, keys and values of every token, packed
// as [batch, t, 3, heads, width]; attention, which finds its heads there by their strides and puts
// the heads of its output side by side the same way; a linear layer on what is then [batch, t,
// channels]. Splitting heads and joining them moves nothing.
//
// The kernels are those of linear.cuh and of attention.cuh; here is what lies between them.
#pragma once

#include "optimized/launcher.hpp"
#include "optimized/simt/simt.cuh"

#include <cstddef>
#include <cstdint>

namespace assay::optimized::inline ASSAY_BUILD {

struct multi_head_size {
  std::int64_t batch = 0, tokens = 0, channels = 0, heads = 1;

  std::int64_t rows() const { return batch * tokens; }
  std::int64_t width() const { return channels / heads; }
};

// Where what lies between the kernels stands in scratch memory: bytes from its beginning, multiples
// of 256.
struct multi_head_scratch {
  std::size_t qkv = 0, joined, lse, attention, bytes;

  // `more`: what attention wants for itself, or a linear layer.
  multi_head_scratch(const multi_head_size& size, dtype type, std::size_t more) {
    const auto after = [](std::size_t begin, std::int64_t elements, std::size_t each) {
      return (begin + std::size_t(elements) * each + 255) / 256 * 256;
    };
    const std::int64_t elements = size.rows() * size.channels;
    joined = after(qkv, 3 * elements, size_of(type));
    lse = after(joined, elements, size_of(type));
    attention = after(lse, size.rows() * size.heads, sizeof(float));
    bytes = attention + more;
  }
};

// The call of attention: queries, keys and values as they stand in packed qkv, its output where
// heads are joined, the log-sum-exps, which a backward pass would want.
inline call attention_within(const multi_head_size& size, dtype type, std::byte* scratch,
                             const multi_head_scratch& at) {
  const std::int64_t width = size.width(), token = 3 * size.channels, batch = size.tokens * token;
  const auto place = [&](std::size_t bytes) -> void* {
    return scratch ? scratch + bytes : nullptr;
  };
  const auto part = [&](std::int64_t which) {
    return place(at.qkv + std::size_t(which * size.channels) * size_of(type));
  };
  const std::vector<std::int64_t> queries{size.batch, size.tokens, size.heads, 1, width},
      keys{size.batch, size.tokens, size.heads, width};
  call what;
  what.tensors = {{part(0), type, queries, {batch, token, width, width, 1}},
                  {part(1), type, keys, {batch, token, width, 1}},
                  {part(2), type, keys, {batch, token, width, 1}},
                  {place(at.joined), type, queries},
                  {place(at.lse), dtype::fp32, {size.batch, size.heads, 1, size.tokens}}};
  what.parameters = {0};  // scale: 1 / sqrt(width)
  what.workspace = place(at.attention);
  what.workspace_bytes = at.bytes - at.attention;
  return what;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
