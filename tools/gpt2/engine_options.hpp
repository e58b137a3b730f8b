// --on, --dtype and --sanitize, which the subcommands that compute share.
#pragma once

#include "tools/gpt2/engine.hpp"

#include <CLI/CLI.hpp>

namespace assay::gpt2 {

inline void add_engine_options(CLI::App& sub, engine_options& by) {
  const std::map<std::string, dtype> types = {
      {"fp32", dtype::fp32}, {"bf16", dtype::bf16}, {"fp16", dtype::fp16}};
  sub.add_option("--on", by.on, "reference, emulator or cuda")->capture_default_str();
  sub.add_option("--dtype", by.type, "of parameters and activations, for kernels: fp32, bf16, fp16")
      ->transform(CLI::CheckedTransformer(types))
      ->option_text("TYPE [fp32]");
  sub.add_flag("--sanitize", by.sanitize, "the emulator watches every access");
}

}  // namespace assay::gpt2
