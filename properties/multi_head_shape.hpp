// The tensors of multi-head attention in a case: their sizes, one batch of x, the weights.
//
//   x, y  [batch, t, c]     w_qkv [c, 3 c]   b_qkv [3 c]   w_out [c, c]   b_out [c]
#pragma once

#include "properties/model.hpp"
#include "reference/multi_head.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace assay::properties {

struct multi_head_variant {
  std::string name;
  std::string sees = {};  // what a token attends to, in words
  bool causal = false;
};

// Inputs in the contract's order.
inline constexpr std::size_t k_x = 0, k_w_qkv = 1, k_b_qkv = 2, k_w_out = 3, k_b_out = 4;

struct multi_head_shape {
  std::int64_t batch = 0, tokens = 0, channels = 0, heads = 1;

  // `heads` may be left out of an id: 1.
  static multi_head_shape of(const case_id& id) {
    return {id.dimension("batch"), id.dimension("t"), id.dimension("c"),
            std::int64_t(value_of(id.shape, "heads", 1).as_double())};
  }
  static multi_head_shape of(const case_inputs& in) {
    multi_head_shape shape = of(in.id);
    shape.heads = std::int64_t(in.parameters[0]);
    return shape;
  }

  std::int64_t width() const { return channels / heads; }
  std::int64_t elements() const { return tokens * channels; }  // of a batch of x
  std::span<const double> tokens_of(const case_inputs& in, std::int64_t b) const {
    return std::span(in.values[k_x]).subspan(std::size_t(b * elements()), std::size_t(elements()));
  }
};

inline reference::multi_head_weights<double> weights_of(const case_inputs& in) {
  return {{in.values[k_w_qkv], in.values[k_b_qkv]}, {in.values[k_w_out], in.values[k_b_out]}};
}

}  // namespace assay::properties
