// Every implementation of every contract, as the parameters of a test.
#pragma once

#include "properties/contract.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <vector>

namespace assay::properties {

struct pair_under_test {
  const contract* of;
  const implementation* by;
};

// Those of contracts with so many dimensions (1: the element-wise functions), or all.
inline std::vector<pair_under_test> every_implementation(std::size_t dimensions = 0) {
  std::vector<pair_under_test> all;
  for (const contract& c : contracts())
    if (dimensions == 0 || c.dimensions.size() == dimensions)
      for (const implementation& each : c.implementations) all.push_back({&c, &each});
  return all;
}

inline std::string name_of_pair(const testing::TestParamInfo<pair_under_test>& info) {
  std::string name = info.param.of->function() + "_" + info.param.by->name;
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
  return name;
}

inline std::vector<std::vector<dtype>> signatures_of(const pair_under_test& pair) {
  return signatures_of(*pair.of, *pair.by);
}

// How GoogleTest prints one where a test fails.
inline void PrintTo(const pair_under_test& pair, std::ostream* out) {
  *out << pair.of->function() << " " << pair.by->name;
}

// `id` with its tensors in these dtypes (of inputs, then outputs).
inline case_id retyped(case_id id, const std::vector<dtype>& types) {
  for (std::size_t t = 0; t < id.types.size(); ++t) id.types[t].type = types[t];
  return id;
}

}  // namespace assay::properties
