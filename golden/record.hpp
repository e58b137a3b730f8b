// A golden: a component's cases, their inputs and expected outputs, and where they came from, as
// one safetensors file.
//
//   tensors     CASE:x        an input, in its dtype
//               CASE:y        an output, in its dtype
//               CASE:y.truth  the same as doubles, where y does not say it all
//               CASE:y.error  |y.truth - exact|, where no reference of many digits made y.truth
//   metadata    CASE          "x input HASH; y rounded HASH; y.truth near HASH": what each holds
//               format component generator commit    reference FUNCTION (its tier and digits)
//               accepted reason                      once it was
//
// HASH is XXH3 (64 bits) of a tensor's bytes. NaNs are the quiet one of their dtype.
#pragma once

#include "properties/contract.hpp"
#include "properties/safetensors.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace assay::golden {

inline constexpr std::string_view k_format = "assay golden 1";

// What the elements of a tensor are.
enum class holding {
  input,
  rounded,  // exact results, correctly rounded to the dtype
  near,     // exact results, off by no more than truth_error()
  within,   // exact results, off by no more than NAME.error says; rounded to the dtype
  error,    // bounds of errors
};
std::string_view name_of(holding what);

// Of an exact result that was kept as a double, from a reference of many digits: conversions, and
// what is no more than a sign (properties/precise.hpp).
double truth_error(double value);

struct tensor {
  std::string name;  // "y", "y.truth"
  holding what = holding::input;
  dtype type = dtype::fp32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;

  std::vector<double> values() const;
};

struct recorded_case {
  properties::case_id id;
  std::vector<tensor> tensors;

  const tensor* find(std::string_view name) const;
  // An output's exact results as the record has them.
  properties::truth truth_of(std::string_view output) const;
};

struct record {
  std::string component;
  std::map<std::string, std::string> provenance;  // the metadata that speaks of no single case
  std::vector<recorded_case> cases;

  const recorded_case* find(const properties::case_id& id) const;
};

// What the reference says now.
record make_record(const std::string& component);

// Between a record and a file. Parsing throws bad_input, one line that begins with `whence`, for
// whatever is no golden, of another format, or changed since it was written (a hash differs).
properties::tensor_file to_file(const record& of);
record from_file(const properties::tensor_file& file, const std::string& whence);
record parse_record(std::string_view contents, const std::string& whence);

// All of a golden, a line an element, for `git diff`.
std::string text_of(const record& of);

}  // namespace assay::golden
