// The tensors of embedding, forward and backward.
//
//   ids        [batch, t], int32        tokens     [v, c]
//   positions  [positions, c]           x, dx      [batch, t, c]
//   lengths    [batch], int32: of sequences that go on, how many tokens each has already
#pragma once

#include "properties/model.hpp"
#include "reference/embedding.hpp"

#include <cstdint>
#include <vector>

namespace assay::properties {

struct embedding_shape {
  std::int64_t batch = 0, length = 0, tokens = 0, positions = 0, width = 0;

  std::int64_t ids() const { return batch * length; }
  bool has(std::int64_t id) const { return id >= 0 && id < tokens; }
  bool has_position(std::int64_t place) const { return place >= 0 && place < positions; }

  static embedding_shape of(const case_id& id);
};

// Where they stand among the inputs.
struct embedding_inputs {
  std::size_t ids, tokens, positions, dx;  // forward: no dx; backward: no tables
};
inline constexpr embedding_inputs k_embedding_forward{2, 0, 1, 9}, k_embedding_backward{1, 9, 9, 0};
inline constexpr std::size_t k_embedding_lengths = 3;  // of sequences that go on

inline bool is_forward(const case_id& id) { return id.direction == "fwd"; }
inline bool goes_on(const case_id& id) { return id.variant == "offset"; }
std::vector<std::int64_t> embedding_ids(const case_inputs& in);
// Forward: the position of every id.
std::vector<std::int64_t> embedding_places(const case_inputs& in);

}  // namespace assay::properties
