// What the tests of both attentions share: cases, counted runs, kernels given other inputs than
// they are judged by, packed tensors.
#pragma once

#include "optimized/launcher.hpp"
#include "properties/attention_contract.hpp"
#include "properties/attention_shape.hpp"
#include "properties/harness.hpp"
#include "properties/staged_call.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace assay::properties {

// One batch, one head; fp32, or another dtype of all tensors that may have it.
inline case_id attention_case_of(const std::string& component, const std::string& variant,
                                 dtype type, std::int64_t queries, std::int64_t keys,
                                 std::int64_t width, const fields& parameters = {},
                                 const std::string& direction = "fwd") {
  case_id id{component, variant, direction, {}, {}, {"normal", {}}, 5};
  const contract& c = contract_of(id);
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& each : *tensors)
      id.types.push_back({each.name, attention_dtype(each.name, type)});
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

inline void set(case_id& id, const std::string& key, const number& value) {
  for (field& each : id.shape)
    if (each.key == key) each.value = value;
}
inline void set(case_inputs& in, const std::string& key, const number& value,
                std::size_t parameter = 9) {
  set(in.id, key, value);
  if (parameter < in.parameters.size()) in.parameters[parameter] = value.as_double();
}

// Key `key` of a single head of one batch, left out or given twice.
inline case_inputs with_key_times(const case_id& id, std::int64_t key, int times) {
  case_inputs in = inputs_of(id);
  const std::int64_t width = id.dimension("d");
  for (const std::size_t t : {k_keys, k_values}) {
    auto& all = in.values[t];
    const auto at = all.begin() + key * width;
    const std::vector<double> row(at, at + width);
    if (times == 0) all.erase(at, at + width);
    if (times == 2) all.insert(at, row.begin(), row.end());
  }
  set(in, "k", id.dimension("k") + times - 1);
  return in;
}

// Packed QKV, [batch, tokens, 3, heads, width], of a case in bf16 with as many queries as keys and
// a group of one: bytes that hold all three, which are appended to the call by their strides.
inline tensor_bytes packed(const case_inputs& in, optimized::call& call) {
  const attention_shape of = attention_shape::of(in.id);
  const std::int64_t row = of.heads * of.width, token = 3 * row, batch = of.keys * token;
  std::vector<double> all(std::size_t(of.batch * batch));
  for (std::int64_t i = 0; i < of.batch * of.keys; ++i)
    for (std::int64_t t = 0; t < 3; ++t)
      std::copy_n(in.values[std::size_t(t)].begin() + i * row, row,
                  all.begin() + i * token + t * row);
  tensor_bytes bytes = encoded(dtype::bf16, all);
  const auto part = [&](std::int64_t t) { return static_cast<void*>(bytes.data() + 2 * t * row); };
  call.tensors = {{part(0),
                   dtype::bf16,
                   {of.batch, of.queries, of.heads, 1, of.width},
                   {batch, token, of.width, of.width, 1}}};
  for (const std::int64_t t : {1, 2})
    call.tensors.push_back({part(t),
                            dtype::bf16,
                            {of.batch, of.keys, of.heads, of.width},
                            {batch, token, of.width, 1}});
  return bytes;
}

}  // namespace assay::properties
