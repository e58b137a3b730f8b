// Negative controls: outputs that no judge may let pass. They are made from a contract's truth
// alone, so that every new contract is tested against them without a line of its own.
#pragma once

#include "properties/harness.hpp"

#include <string>
#include <vector>

namespace assay::properties {

struct decoy {
  std::string name;
  std::size_t output = 0;                    // the output that is false; the others are right
  std::vector<std::vector<double>> outputs;  // one an output of the contract
};

// The right answer: the truth rounded to each output's dtype.
std::vector<std::vector<double>> rounded_truth(const prepared_case& prepared);

// For each output: zeros, NaN, a constant, the input itself, what a kernel would leave that wrote
// the previous case's output, the truth off by twice its bound in one element (the first, one in
// the middle, the last), and two neighbours swapped where the output has two. On the contract's
// decoy_case each of them is wrong.
std::vector<decoy> decoys_of(const prepared_case& prepared, const implementation& by);

// The values farthest from the truth that the strict bound of one output allows, and the first ones
// beyond them.
struct bound_edge {
  std::vector<double> allowed, refused;
};
bound_edge edge_of(const prepared_case& prepared, const implementation& by, std::size_t output);

}  // namespace assay::properties
