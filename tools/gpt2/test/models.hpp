// Models and tokens small enough for a test.
#pragma once

#include "tools/gpt2/engine.hpp"
#include "tools/gpt2/executor.hpp"
#include "tools/gpt2/initial_weights.hpp"
#include "tools/gpt2/kernel_engine.hpp"
#include "tools/gpt2/trace.hpp"

namespace assay::gpt2::test {

inline gpt2_config tiny(std::int64_t layers = 2) {
  gpt2_config c;
  c.vocabulary = 11, c.context = 6, c.channels = 8, c.layers = layers, c.heads = 2, c.hidden = 32;
  return c;
}

// Heads and rows that tensor cores take.
inline gpt2_config for_tensor_cores() {
  gpt2_config c;
  c.vocabulary = 40, c.context = 70, c.channels = 64, c.layers = 1, c.heads = 2, c.hidden = 128;
  return c;
}

// Large enough parameters that every operation does something: 0.3 where GPT-2 begins with 0.02.
inline model lively(const gpt2_config& config, dtype type = dtype::fp32) {
  model m = initial_model(config, 1);
  std::uint64_t seed = 2;
  for (auto& [name, parameter] : m.parameters) {
    const bool is_bias = name.ends_with(".bias");
    for (double& each : parameter.elements()) each *= 15;
    if (is_bias)
      for (double& each : parameter.elements()) each = 0.1 * double(seed++ % 7) - 0.3;
  }
  for (auto& [name, parameter] : m.parameters)
    if (name.find("ln_") != std::string::npos && name.ends_with(".weight"))
      for (double& each : parameter.elements()) each = 1 + 0.1 * double(seed++ % 5);
  round_parameters(m, type);
  return m;
}

struct example {
  reference::token_batch tokens;
  std::vector<std::int64_t> targets;
};
inline example example_of(const gpt2_config& config, std::int64_t batch, std::int64_t length) {
  example all{{{}, length}, {}};
  for (std::int64_t i = 0; i < batch * length; ++i) {
    all.tokens.ids.push_back((7 * i + i * i / 3) % config.vocabulary);
    all.targets.push_back(i % 5 == 3 ? -1 : (3 * i + 1) % config.vocabulary);
  }
  return all;
}

inline optimized::device emulator() {
  return optimized::device(*optimized::backend_of(simt::build::plain));
}

// What a trace of the whole pass, there and back, says of the first operation outside its bound:
// "NAME (FUNCTION by KERNEL): REASON", or nothing.
inline std::string first_outside(const model& m, const example& of, dtype type,
                                 const kernel_choice& choice) {
  executor by = loaded(m, of.tokens, of.targets, true, type, {emulator(), choice});
  std::string what;
  traced(by, {}, [&](const traced_operation& each) {
    for (const traced_output& output : each.outputs)
      if (!output.reason.empty() && what.empty())
        what = each.name + " (" + each.function + " by " + each.implementation +
               "): " + output.value + ": " + output.reason;
    return what.empty();
  });
  return what;
}

}  // namespace assay::gpt2::test
