// The rows of softmax's tensors: where they lie and how much of each is seen.
#pragma once

#include "properties/model.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace assay::properties {

// Tensors are [rows, n]; causal ones [batch, q, k], of whose row i the first i + 1 + k - q are
// seen.
struct score_rows {
  std::int64_t count = 0, length = 0;
  std::int64_t queries = 0;  // 0: not causal

  static score_rows of(const case_id& id) {
    if (!contains(id.shape, "q")) return {id.dimension("rows"), id.dimension("n"), 0};
    return {id.dimension("batch") * id.dimension("q"), id.dimension("k"), id.dimension("q")};
  }
  std::int64_t visible(std::int64_t row) const {
    if (queries == 0) return length;
    return std::clamp<std::int64_t>(row % queries + 1 + length - queries, 0, length);
  }
  // What is seen of a row of a tensor.
  std::span<const double> seen(const std::vector<double>& tensor, std::int64_t row) const {
    return std::span(tensor).subspan(std::size_t(row * length), std::size_t(visible(row)));
  }
};

}  // namespace assay::properties
