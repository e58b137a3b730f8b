// A pass that takes turns with another program's, so that both meet the same machine: a round when
// that asks for one.
#pragma once

#include "tools/gpt2/executor.hpp"

#include <nlohmann/json_fwd.hpp>

#include <iosfwd>
#include <string>

namespace assay::gpt2 {

// Runs the pass for nothing and tells `about` it; then for every line of `asked` once as it is and
// once replayed, and tells {"seconds": S, "graph_seconds": S}. A line of JSON each, that is out
// before the next one is awaited.
void take_turns(executor& by, const nlohmann::json& about, std::istream& asked, std::ostream& told);

// What the last pass gave, as safetensors: `loss` and gradient.NAME of every parameter where it
// went back, else `logits` of the last token of each sequence, [B, V]; in the dtype that they have.
void write_outcome(executor& by, const std::string& path);

}  // namespace assay::gpt2
