// What the tests of softmax have in common.
#pragma once

#include "properties/harness.hpp"

#include <string>
#include <vector>

namespace assay::properties {

// A case of softmax.VARIANT.DIRECTION with all its tensors of scores in one dtype.
inline case_id softmax_case_of(const std::string& variant, const std::string& direction, dtype type,
                               const fields& shape, const std::string& from = "normal") {
  case_id id{"softmax", variant, direction, {}, shape, {from, {}}, 3};
  const contract& c = contract_of(id);
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors)
      id.types.push_back({each.name, each.how == drawn::as_length ? dtype::int32 : type});
  return id;
}

// The same with these inputs, prepared.
inline prepared_case prepared_with(const case_id& id,
                                   const std::vector<std::vector<double>>& values) {
  const contract& c = contract_of(id);
  case_inputs inputs{id, values, {}};
  for (const parameter_spec& each : c.parameters) inputs.parameters.push_back(each.otherwise);
  std::vector<truth> exact = c.exact(inputs);
  return {&c, std::move(inputs), std::move(exact)};
}

inline run_report run_of(const prepared_case& prepared, const implementation& by, bool sanitized,
                         std::uint64_t schedule = 0) {
  run_settings settings;
  if (sanitized) settings.sanitize = simt::sanitizer_tools{};
  settings.repeat = !sanitized;
  settings.time_limit_seconds = 60;  // a kernel that believes a wrong length may never end
  return run({prepared.inputs.id, by.name, "emulator", schedule}, prepared, settings);
}

}  // namespace assay::properties
