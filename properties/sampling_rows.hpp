// The tensors of choosing the next token.
//
//   logits  [rows, v]        u          [rows], fp32, of draw
//   tokens  [rows], int32    sequences  [rows], int32, of next
//                            positions  [rows], int32, of next
#pragma once

#include "properties/model.hpp"
#include "reference/sampling.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace assay::properties {

inline constexpr std::size_t k_token_logits = 0, k_given_u = 1, k_sequences = 1, k_positions = 2;
inline constexpr double k_no_token = -1;

struct sampling_rows {
  std::int64_t rows = 0, columns = 0;
  bool draws = false, by_seed = false;
  reference::sampling_settings<double> by = {};  // greedy: temperature 0

  static sampling_rows of(const case_inputs& in);
  std::span<const double> logits(const case_inputs& in, std::int64_t row) const;
  // What draws a row's token: in [0, 1), if it is what it should be.
  double u(const case_inputs& in, std::int64_t row) const;
  // Do they drop anything?
  bool limits_count() const { return by.top_k > 0 && by.top_k < columns; }
  bool limits_share() const { return by.top_p < 1; }
};

inline bool draws_a_token(double u) { return u >= 0 && u < 1; }

// The token of every row, or k_no_token.
std::vector<double> next_tokens(const case_inputs& in);
// The same in many digits.
std::vector<double> next_tokens_precisely(const case_inputs& in);

}  // namespace assay::properties
