// --tokens and --ids, --on, --dtype, --sanitize and --sched, which the subcommands that compute
// share.
#pragma once

#include "tools/assay/options.hpp"
#include "tools/gpt2/engine.hpp"

#include <CLI/CLI.hpp>

namespace assay::gpt2 {

// `about`: what the file has.
inline void add_token_options(CLI::App& sub, token_options& from, const std::string& about) {
  sub.add_option("--tokens", from.file, "safetensors file with " + about)->type_name("FILE");
  sub.add_option("--ids", from.ids,
                 "one sequence typed in, such as 15496,11,995; targets are what follows each");
}

inline void add_dtype_option(CLI::App& sub, dtype& type) {
  const std::map<std::string, dtype> types = {
      {"fp32", dtype::fp32}, {"bf16", dtype::bf16}, {"fp16", dtype::fp16}};
  sub.add_option("--dtype", type, "of parameters and activations, for kernels: fp32, bf16, fp16")
      ->transform(CLI::CheckedTransformer(types))
      ->option_text("TYPE [fp32]");
}

inline void add_engine_options(CLI::App& sub, engine_options& by) {
  sub.add_option("--on", by.on, "reference, emulator or cuda")->capture_default_str();
  add_dtype_option(sub, by.type);
  sub.add_flag("--sanitize", by.sanitize, "the emulator watches every access");
  sub.add_option("--sched", by.schedule,
                 "order of threads on the emulator: 0 program order, others random")
      ->check(tools::whole_number())
      ->capture_default_str();
}

}  // namespace assay::gpt2
