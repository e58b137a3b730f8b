// What the tests of attention, forward and backward, share: cases, what their kernels count, and
// kernels that are given something else than what they are judged by.
#pragma once

#include "optimized/launcher.hpp"
#include "properties/attention_contract.hpp"
#include "properties/harness.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace assay::properties::test {

inline case_id attention_of(const std::string& variant, const std::string& direction, dtype type,
                            std::int64_t queries, std::int64_t keys, std::int64_t width,
                            const fields& parameters = {}) {
  case_id id{"attention", variant, direction, {}, {}, {"normal", {}}, 5};
  const contract& c = contract_of(id);
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors)
      id.types.push_back({each.name, each.name == "lse"             ? dtype::fp32
                                     : each.how == drawn::as_length ? dtype::int32
                                                                    : type});
  id.shape = {{"batch", 1}, {"q", queries}, {"k", keys}, {"heads", 1}, {"group", 1}, {"d", width}};
  id.shape.insert(id.shape.end(), parameters.begin(), parameters.end());
  return id;
}

inline simt::counters counted(const case_id& id, const std::string& implementation) {
  run_settings settings;
  settings.sanitize = simt::sanitizer_tools{};
  settings.repeat = false;
  simt::backend& place = simt::sanitized_emulator();
  place.take_counters();
  const case_inputs in = make_inputs(contract_of(id), id);
  outputs_of({id, implementation, "emulator", 0}, in, settings);
  EXPECT_TRUE(place.take_findings().empty());
  return place.take_counters();
}

inline std::size_t scratch_of(const case_id& id, const std::string& implementation) {
  const contract& c = contract_of(id);
  const optimized::launcher* const by =
      optimized::find_launcher(simt::build::plain, c.function(), implementation);
  optimized::call call;
  std::size_t t = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors)
      call.tensors.push_back({nullptr, id.types[t++].type, shape_of(each, id)});
  return by->workspace ? by->workspace(call) : 0;
}

// The kernel on other inputs, or another function, judged as if it had been given these.
inline bool passes(const case_id& truth, const std::string& by, const case_inputs& given) {
  const prepared_case prepared = prepare(truth);
  const implementation& judged_as = *prepared.of->find(by);
  const auto got = outputs_of({given.id, by, "emulator", 0}, given, {});
  const std::vector<output_verdict> verdicts = judge(prepared, judged_as, got);
  return std::all_of(verdicts.begin(), verdicts.end(), [](const output_verdict& v) {
    return v.strict.passed() && v.scatter.passed();
  });
}

inline case_inputs inputs_of(const case_id& id) { return make_inputs(contract_of(id), id); }

inline void set(case_inputs& in, const std::string& key, const number& value,
                std::size_t parameter = 9) {
  for (field& each : in.id.shape)
    if (each.key == key) each.value = value;
  if (parameter < in.parameters.size()) in.parameters[parameter] = value.as_double();
}

inline const attention_variant& variant_named(const std::string& name) {
  const auto& all = attention_variants();
  return *std::find_if(all.begin(), all.end(),
                       [&](const attention_variant& each) { return each.name == name; });
}

}  // namespace assay::properties::test
