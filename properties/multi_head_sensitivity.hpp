// What errors of queries, keys and values make of the outputs of multi-head attention: less than
// what operation after operation would have to assume.
//
// The running arithmetic takes the errors that are there for independent wherever they come to. A
// score that is off by d changes a weight and their sum, so every channel of its head's mean, by up
// to 2 d; and then all channels are added up as if each could be wrong in its own direction. But it
// is one error: as a whole it moves an output by its weight's share of the difference between its
// value and the mean, both as W_out has them,
//
//   sum_j p_j (e^d_j - 1) |u_j - mean u| / sum_j p_j e^-d_j,     u_j = v_j . (column of W_out)
//
// and values that are off by e_j add at most e^(2 max d) sum_j p_j |e_j| . |column of W_out|. That
// is the difference between the function of what the kernel holds and that of what it stands for;
// what is left is rounding, given what is held. So from a bound that was followed operation by
// operation we take what errors of queries, keys and values brought into it, and add this.
//
// What they brought: every operation adds to the errors that it is handed multiples of them, which
// only grow with others, and its rounding. So a bound less the same bound without roundings still
// covers all roundings, at the largest numbers that the kernel may hold. Without roundings, with
// A_j = d_j e^d_j, E = sum_j p_j A_j and r = E / (1 - E) (that of the inverse of the sum), a
// channel of a mean is off by
//
//   naive:  sum_j p_j ((A_j + r + A_j r) (|v_j| + e_j) + e_j)
//   flash:  G + (|o| + G) r,   G = sum_j p_j (A_j (|v_j| + e_j) + e_j)
//
// and an output by the sum over channels of that times |w|.
#pragma once

#include "properties/attention_model.hpp"
#include "properties/multi_head_shape.hpp"

#include <vector>

namespace assay::properties {

// Of one output: what a bound that was followed operation by operation took for the errors of
// queries, keys and values, and what those can bring to it.
struct error_exchange {
  double taken = 0, brought = 0;

  // Such a bound with the one in the other's place.
  double of(double followed) const;
};

// Of one batch of outputs, [t, c], followed from `qkv`, [t, 3 c], by attention of this kind.
std::vector<error_exchange> error_exchanges(const std::vector<running::value>& qkv,
                                            const multi_head_shape& shape, bool causal,
                                            attention_algorithm kind,
                                            const reference::linear_map<double>& out);

}  // namespace assay::properties
