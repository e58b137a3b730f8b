// Ids: what fixes a case, and a run of it, as one shell-safe line.
//
//   v1/gelu.erf.fwd/x=bf16,y=bf16/n=1023,align=2/dist=tails/seed=7@impl=vector,on=emulator,sched=0
//      component    dtypes        shape          distribution seed  implementation, backend,
//      schedule
//
// The case stands before the @ and fixes inputs and truth to the bit; the run stands behind it.
// Printing and parsing are inverse: a spelling that print would not produce is refused. A default
// may be spelt out or left out; otherwise two different lines never name one case.
#pragma once

#include "optimized/dtype.hpp"
#include "properties/number.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace assay::properties {

struct field {
  std::string key;
  number value;
  friend bool operator==(const field&, const field&) = default;
};
using fields = std::vector<field>;

// The value of `key`, or `otherwise` where the fields do not have it.
number value_of(const fields& all, std::string_view key, number otherwise);
bool contains(const fields& all, std::string_view key);

struct tensor_type {
  std::string name;
  dtype type = dtype::fp32;
  friend bool operator==(const tensor_type&, const tensor_type&) = default;
};

struct distribution_id {
  std::string name;
  fields parameters;
  friend bool operator==(const distribution_id&, const distribution_id&) = default;
};

struct case_id {
  std::string component, variant, direction;
  std::vector<tensor_type> types;
  fields
      shape;  // dimensions, then layout, then the component's parameters: the contract says which
  distribution_id distribution;
  std::uint64_t seed = 0;

  std::string function() const { return component + "." + variant + "." + direction; }
  dtype type_of(std::string_view tensor) const;  // throws bad_input where there is no such tensor
  std::int64_t dimension(std::string_view key) const;  // throws bad_input where there is none
  friend bool operator==(const case_id&, const case_id&) = default;
};

struct run_id {
  case_id of;
  std::string implementation, backend;
  std::uint64_t schedule = 0;
  friend bool operator==(const run_id&, const run_id&) = default;
};

std::string print(const case_id& id);
std::string print(const run_id& id);

// Both throw bad_input with one line that names the part at fault. An id of another version than v1
// is refused: its meaning is not known here.
case_id parse_case(std::string_view text);
run_id parse_run(std::string_view text);

}  // namespace assay::properties
