// Cases whose tensors come from a file: what `assay run` and `assay judge` share.
#pragma once

#include "properties/contract.hpp"
#include "properties/safetensors.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace assay::tools {

struct run_options {
  std::string function, in, out, on = "reference", implementation;
  std::vector<std::string> parameters;  // NAME=VALUE
  std::vector<std::string> sizes;       // NAME=N: of dimensions that no input has
  bool unrounded = false;
  double time_limit = 300;
};

// --param and --size.
void add_case_options(CLI::App& sub, run_options& chosen);

// Throws bad_input for a name that the contract does not have, or one that is there twice.
void refuse_unknown_parameters(const properties::contract& c,
                               const std::vector<std::string>& given);

// The kernel that runs; empty: the reference.
std::string implementation_of(const properties::contract& c, const run_options& chosen);

// The case in the file `chosen.in`, and the file. Throws bad_input, which names the file, for
// tensors or parameters that make no case of the contract, or one that the implementation declines
// (where `on` is not the reference).
properties::case_inputs read_inputs(const properties::contract& c, const run_options& chosen,
                                    properties::tensor_file& file);

}  // namespace assay::tools
