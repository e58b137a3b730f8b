// Properties: statements about a function's results that hold whatever the numbers are, checked on
// what an implementation gives. Two results are compared within the sum of their own bounds, never
// within a tolerance.
#pragma once

#include "properties/harness.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace assay::properties {

// The results of one output tensor, and for each how far from the mathematics it may lie: the
// strict bound, the last rounding, and the reference's own error in knowing the truth.
struct bounded_output {
  std::vector<double> got;
  std::vector<double> reach;  // infinite where the implementation promises nothing
};

// An implementation on a backend, with the inputs of a generated case.
class subject {
 public:
  subject(run_id id, const run_settings& settings);

  const contract& of() const { return *contract_; }
  const implementation& by() const { return *by_; }
  const case_inputs& inputs() const { return inputs_; }
  std::size_t elements() const { return inputs_.values[0].size(); }
  dtype output_type(std::size_t output) const;

  // What the implementation gives for these inputs, which may be any of the contract's.
  std::vector<bounded_output> outputs(const case_inputs& inputs) const;
  std::vector<bounded_output> outputs() const { return outputs(inputs_); }

  // The inputs with some elements only, in this order. Every tensor of the case must have one
  // element a value of the first dimension.
  case_inputs with_elements(const std::vector<std::size_t>& which) const;
  // The inputs with every element of tensor t put through `change`, which must give values of its
  // dtype.
  case_inputs with_values(std::size_t t, const std::function<double(double)>& change) const;

  // The same inputs, given to an implementation of another function with the same tensors.
  subject as(const std::string& variant, const std::string& implementation) const;

 private:
  run_id id_;
  run_settings settings_;
  const contract* contract_;
  const implementation* by_;
  case_inputs inputs_;
};

// Empty where |left - right| <= allowed for each element, NaN on both sides being equal; else the
// first one where it is not, in words.
std::string differ(const std::vector<double>& left, const std::vector<double>& right,
                   const std::vector<double>& allowed);

}  // namespace assay::properties
