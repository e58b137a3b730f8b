// The tensors of cross-entropy, forward and backward.
//
//   logits, gradient  [rows, v]       targets  [rows], int32
//   losses            [rows], fp32    total    [], fp32
#pragma once

#include "properties/model.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace assay::properties {

inline constexpr std::size_t k_logits = 0, k_targets = 1;

struct entropy_shape {
  std::int64_t rows = 0, columns = 0;
  std::int64_t live = 0;  // columns that count, the first ones
  bool mean = false, gradient = false;

  // Losses and total among the outputs; the gradient is the first, if there is one.
  std::size_t losses() const { return gradient ? 1 : 0; }
  std::size_t total() const { return losses() + 1; }

  std::span<const double> row(const std::vector<double>& logits, std::int64_t r) const {
    return std::span(logits).subspan(std::size_t(r * columns), std::size_t(live));
  }

  static entropy_shape of(const case_id& id);
};

inline std::int64_t target_of(const case_inputs& in, std::int64_t row) {
  return std::int64_t(in.values[k_targets][std::size_t(row)]);
}
std::int64_t rows_that_count(const case_inputs& in);
// What a row's gradient is multiplied with before it is divided by the rows that count, in a mean.
double entropy_scale(const case_inputs& in);

}  // namespace assay::properties
