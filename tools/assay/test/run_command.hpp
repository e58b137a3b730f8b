// assay run on tensors given as numbers.
#pragma once

#include "properties/safetensors.hpp"
#include "properties/values.hpp"
#include "tools/assay/test/command.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace assay::tools::test {

inline properties::stored_tensor tensor(const std::string& name, dtype type,
                                        const std::vector<std::int64_t>& shape,
                                        const std::vector<double>& values) {
  properties::stored_tensor t{name, type, shape,
                              std::vector<std::byte>(values.size() * size_of(type))};
  for (std::size_t i = 0; i < values.size(); ++i)
    properties::store_bits(type, t.bytes.data(), std::int64_t(i),
                           properties::encode(type, properties::round_to(type, values[i])));
  return t;
}

inline std::vector<double> values(const properties::stored_tensor& t) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < t.elements(); ++i)
    all.push_back(properties::decode(t.type, properties::load_bits(t.type, t.bytes.data(), i)));
  return all;
}

class run : public command {
 protected:
  void give(const std::vector<properties::stored_tensor>& tensors) const {
    properties::write_safetensors(path("in"), {tensors, {}});
  }
  ended run_on(const std::string& where, const std::string& function,
               std::vector<std::string> more = {}) const {
    std::vector<std::string> all = {"run", function, "--in", "in", "--out", "out", "--on", where};
    all.insert(all.end(), more.begin(), more.end());
    return assay(all);
  }
  properties::tensor_file result() const { return properties::read_safetensors(path("out")); }
};

}  // namespace assay::tools::test
