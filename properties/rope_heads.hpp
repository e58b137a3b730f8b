// The tensors of rope, [batch, t, heads, d], pair by pair; and what tells its functions apart.
#pragma once

#include "properties/contract.hpp"
#include "reference/rope.hpp"

#include <cstdint>
#include <string>

namespace assay::properties {

struct rope_variant {
  std::string name, formula;
  reference::rope_scaling scaling = reference::rope_scaling::none;

  bool scaled() const { return scaling != reference::rope_scaling::none; }
  // Of a case: parameters are offset, base and, where scaled, scale.
  reference::rope of(const case_inputs& in) const {
    return {scaling, in.parameters[1], scaled() ? in.parameters[2] : 1};
  }
};

// The rotations of a case. The last ones are kept, thread by thread: truth, bound and replicates
// ask for the same again and again.
const reference::rope_rotations& rotations_of(const rope_variant& of, const case_inputs& in);

// Where a pair stands: its elements, its place in the head, its position.
struct rope_pair {
  std::size_t low = 0, high = 0;
  std::int64_t position = 0, j = 0;
};

struct rope_heads {
  std::int64_t batch = 0, t = 0, heads = 0, d = 0, offset = 0;

  static rope_heads of(const case_inputs& in) {
    const case_id& id = in.id;
    return {id.dimension("batch"), id.dimension("t"), id.dimension("heads"), id.dimension("d"),
            std::int64_t(in.parameters[0])};
  }
  std::size_t elements() const { return std::size_t(batch * t * heads * d); }

  // visit(pair, rotation) for every pair, with what at(position, j) gives for its place: once for
  // each place.
  template <class At, class Visit>
  void for_each_pair(const At& at, const Visit& visit) const {
    for (std::int64_t i = 0; i < t; ++i)
      for (std::int64_t j = 0; j < d / 2; ++j) {
        const auto rotation = at(offset + i, j);
        for (std::int64_t b = 0; b < batch; ++b)
          for (std::int64_t h = 0; h < heads; ++h) {
            const auto low = std::size_t(((b * t + i) * heads + h) * d + j);
            visit(rope_pair{low, low + std::size_t(d / 2), offset + i, j}, rotation);
          }
      }
  }
};

}  // namespace assay::properties
