// A model on disk, as Hugging Face's transformers lay it out:
//
//   config.json         sizes, activation, eps; of a ladder's step also which parts there are
//   model.safetensors   the parameters (reference/gpt2_config.hpp), each with or without the prefix
//                       `transformer.`; F32, BF16, F16 or F64, all of one dtype
//   vocab.json, merges.txt   the tokenizer, where there is one
//
// Whatever is missing, truncated, or of another shape than the configuration makes it, is bad_input
// with one line that names file and tensor.
#pragma once

#include "optimized/dtype.hpp"
#include "reference/gpt2.hpp"

#include <string>

namespace assay::gpt2 {

using reference::gpt2_config;
using weights = reference::named_tensors<double>;

struct model {
  gpt2_config config;
  weights parameters;        // every number is one of `type`
  dtype type = dtype::fp32;  // as stored
};

gpt2_config read_config(const std::string& folder);
model read_model(const std::string& folder);

// Whole files or none; the folder is made where there is none. A head that is tied is not stored.
void write_model(const std::string& folder, const model& of);

// Every parameter becomes the number of `type` that is nearest to it.
void round_parameters(model& of, dtype type);

// "config.json" of `folder`
std::string path_in(const std::string& folder, const char* file);

}  // namespace assay::gpt2
