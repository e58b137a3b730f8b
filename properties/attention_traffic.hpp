// Bytes of global memory that the kernels of attention and of its gradients move, by hand: counted
// in ctest.
#pragma once

#include "properties/attention_shape.hpp"

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace assay::properties {

// Of inputs in which a fourth one is as it was drawn.
double naive_attention_traffic(const attention_variant& of, const case_inputs& in);
// Of a kernel whose blocks take `tile` queries against tiles of so many keys: 32, flash_simple; 64,
// flash_mma.
double flash_attention_traffic(const attention_variant& of, const case_inputs& in,
                               std::int64_t tile);
double naive_gradient_traffic(const attention_variant& of, const case_inputs& in);
double flash_gradient_traffic(const attention_variant& of, const case_inputs& in, bool in_one_pass);

// Bytes of the bias that a thread reads of a pair, to add it or to know whether the pair is there;
// and once.
struct bias_read {
  double to_add = 0, to_hide = 0, once = 0;
};
bias_read bias_read_by(const attention_variant& of, const case_inputs& in);

// Keys that row `r` sees by position, and those of them that are there.
struct row_pairs {
  double seen = 0, there = 0;
};
row_pairs pairs_of_row(const attention_variant& of, const case_inputs& in, std::int64_t r);

// The tiles of keys, or queries, that hold some of `live` and are not dead in turn: where each
// begins, and their rows within `live`; and how many are asked whether they are dead. `place(i)`:
// the query and the key that the pairs of the tile from i on begin with.
struct live_tiles {
  std::vector<std::int64_t> first;
  double rows = 0, asked = 0;
};
using pair_of_tile = std::pair<std::int64_t, std::int64_t>;
live_tiles live_tiles_of(const attention_variant& of, const case_inputs& in,
                         const reference::key_range& live, std::int64_t tile,
                         const std::function<pair_of_tile(std::int64_t)>& place);

}  // namespace assay::properties
