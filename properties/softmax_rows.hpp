// The rows of softmax's tensors: where they lie and how much of each is seen.
#pragma once

#include "properties/model.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace assay::properties {

// Tensors of scores are [rows, n], or under a mask [batch, q, k]: causal, of whose row i the first
// i + 1 + k - q are seen; padding, of which each matrix has a length; additive, all seen.
struct score_rows {
  std::int64_t count = 0, length = 0;
  std::int64_t queries = 1;  // rows of one matrix
  bool causal = false;
  std::vector<double> lengths = {};  // padding: of each matrix

  // A length below 0 counts as 0, and one above the keys as all of them.
  std::int64_t visible(std::int64_t row) const;
  double visible_scores() const;  // of all rows together
  // Of the scores, those that a mask hides by their position.
  double masked_share() const;
  // What is seen of a row of a tensor.
  std::span<const double> seen(const std::vector<double>& tensor, std::int64_t row) const;
  // As much of the row of an added mask, [q, k], that stands over a row of scores.
  std::span<const double> mask(const std::vector<double>& tensor, std::int64_t row) const;

  // The shape alone says how many rows there are; how much of them is seen, under padding, the
  // lengths in the inputs, or those that the id draws.
  static score_rows shape_of(const case_id& id);
  static score_rows of(const case_inputs& in);
  static score_rows drawn_by(const case_id& id);
};

}  // namespace assay::properties
