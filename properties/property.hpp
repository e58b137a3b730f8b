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
// strict bound, the last rounding, and the reference's own error in knowing the truth. The reach
// does not depend on what came out. It is infinite, and nothing is said of the element, where the
// implementation promises nothing and where the truth, or what it may be rounded to, is not finite.
struct bounded_output {
  std::vector<double> got;
  std::vector<double> reach;
};

// What gives the results that a property is asked about: outputs_of, or a test's broken kernel.
using result_source = std::function<std::vector<std::vector<double>>(
    const run_id& id, const case_inputs& inputs, const run_settings& settings)>;

// An implementation on a backend, with the inputs of a generated case.
class subject {
 public:
  subject(run_id id, const run_settings& settings, result_source from = outputs_of);

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

  // The same case by another implementation.
  subject with_implementation(const std::string& name) const;
  // The implementation of this name of another function, with inputs of that one's.
  subject with_function(case_inputs inputs) const;
  // The same inputs, given to an implementation of another function with the same tensors.
  subject as(const std::string& variant, const std::string& implementation) const;

 private:
  run_id id_;
  run_settings settings_;
  result_source from_;
  const contract* contract_;
  const implementation* by_;
  case_inputs inputs_;
};

// Empty where |left - right| <= allowed for each element; else the first one where it is not, in
// words. Two NaNs or infinities are no more equal than a number and a NaN: where nothing can be
// said `allowed` is infinite. Throws std::invalid_argument where there are not equally many of
// each.
std::string differ(const std::vector<double>& left, const std::vector<double>& right,
                   const std::vector<double>& allowed);

// Empty where the results are the same bits; else the first that is not.
std::string same_bits(const std::vector<double>& left, const std::vector<double>& right);

// A tensor of so many pieces with them in reverse order.
std::vector<double> reversed(const std::vector<double>& all, std::size_t pieces);

// Where a number was promised, is it none?
std::string no_number(const bounded_output& y, std::size_t i);

// Empty where both are the same, bit for bit, and numbers where numbers were promised.
std::string unlike(const std::vector<bounded_output>& here,
                   const std::vector<bounded_output>& there);

// Do the same outputs, come about in two ways, lie further apart than both reaches?
std::string differ_in_reach(const std::vector<bounded_output>& here,
                            const std::vector<bounded_output>& there);

}  // namespace assay::properties
