// What a fuzz has covered: cases counted by their class along a few axes, and elements of outputs.
#pragma once

#include "properties/harness.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace assay::tools {

class coverage {
 public:
  // Counts a run that took place.
  void add(const properties::run_report& report, const properties::prepared_case& prepared);
  void merge(const nlohmann::json& other);  // of another's to_json
  nlohmann::json to_json() const;           // {"dtype": {"fp32": 12, ...}, ...}
  // A line an axis, its classes in their order: "dtype         fp32 12   bf16 9".
  std::string text() const;

 private:
  std::map<std::string, std::map<std::string, std::uint64_t>> counts_;
};

}  // namespace assay::tools
