#include "tools/gpt2/pass_turns.hpp"

#include "properties/safetensors.hpp"
#include "properties/staged_call.hpp"
#include "tools/gpt2/engine.hpp"
#include "tools/gpt2/pass_time.hpp"

#include <nlohmann/json.hpp>

#include <iostream>

namespace assay::gpt2 {
namespace {

properties::stored_tensor stored(const std::string& name, const planned_value& of,
                                 const std::vector<double>& numbers) {
  return {name, of.type, of.shape, properties::encoded(of.type, numbers)};
}

}  // namespace

void take_turns(executor& by, const nlohmann::json& about, std::istream& asked,
                std::ostream& told) {
  for (const bool replayed : {false, true}) timed_whole(by, replayed);
  told << about.dump() << std::endl;
  for (std::string line; std::getline(asked, line);) {
    const double whole = timed_whole(by, false), replayed = timed_whole(by, true);
    told << nlohmann::json({{"seconds", whole}, {"graph_seconds", replayed}}).dump() << std::endl;
  }
}

void write_outcome(executor& by, const std::string& path) {
  const auto& values = by.of().values;
  properties::tensor_file file;
  if (!values.contains("loss")) {
    const planned_value& last = values.at("logits");
    file.tensors.push_back(
        stored("logits", {last.type, {last.shape[0], last.shape[2]}},
               of_last_tokens(by.download("logits"), last.shape[0], last.shape[2])));
  } else {
    for (const char* each : {"loss", "norm"})
      if (values.contains(each))
        file.tensors.push_back(stored(each, values.at(each), by.download(each)));
    for (const auto& [name, value] : values)
      if (name.starts_with("gradient."))
        file.tensors.push_back(stored(name, value, by.download(name)));
  }
  properties::write_safetensors(path, file);
}

}  // namespace assay::gpt2
