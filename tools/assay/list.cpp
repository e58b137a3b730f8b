// assay list: what there is to check.

#include "optimized/launcher.hpp"
#include "properties/contract.hpp"
#include "properties/distribution.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/selection.hpp"
#include "tools/assay/terminal.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>

namespace assay::tools {
namespace {

using namespace properties;
using nlohmann::json;

// The backends for which this program holds a kernel of that implementation.
json backends_of(const contract& c, const implementation& by) {
  json names = json::array();
  if (optimized::find_launcher(simt::build::plain, c.function(), by.name))
    names.push_back("emulator");
  if (optimized::find_launcher(simt::build::gpu, c.function(), by.name)) names.push_back("cuda");
  return names;
}

json to_json(const contract& c) {
  json inputs = json::array(), outputs = json::array(), signatures = json::array(),
       implementations = json::array(), parameters = json::array();
  for (const tensor_spec& t : c.inputs) inputs.push_back({{"name", t.name}, {"shape", t.shape}});
  for (const tensor_spec& t : c.outputs) outputs.push_back({{"name", t.name}, {"shape", t.shape}});
  for (const auto& types : c.signatures) {
    json names = json::array();
    for (dtype type : types) names.push_back(name_of(type));
    signatures.push_back(names);
  }
  for (const parameter_spec& p : c.parameters)
    parameters.push_back({{"name", p.name}, {"default", p.otherwise}, {"about", p.about}});
  for (const implementation& by : c.implementations) {
    json stated = json::array();
    for (const stated_accuracy& s : by.stated)
      stated.push_back({{"dtype", name_of(s.type)},
                        {"ulps", s.ulps},
                        {"misrounded", s.misrounded < 0 ? json() : json(s.misrounded)}});
    implementations.push_back({{"name", by.name},
                               {"form", by.about},
                               {"numerics", by.numerics},
                               {"stated", stated},
                               {"domain", by.domain_text},
                               {"deterministic", by.deterministic},
                               {"same_bits_on_emulator", by.same_bits_on_emulator},
                               {"backends", backends_of(c, by)}});
  }
  return {{"component", c.component},
          {"variant", c.variant},
          {"direction", c.direction},
          {"function", c.function()},
          {"formula", c.about},
          {"dimensions", c.dimensions},
          {"inputs", inputs},
          {"outputs", outputs},
          {"dtypes", signatures},
          {"parameters", parameters},
          {"implementations", implementations}};
}

void print_table(const std::vector<const contract*>& selected) {
  table all({"function", "implementation", "computes", "dtypes"});
  for (const contract* c : selected)
    for (const implementation& by : c->implementations) {
      std::string types;
      for (const auto& signature : signatures_of(*c, by))
        types += (types.empty() ? "" : " ") + std::string(name_of(signature[0]));
      all.add({c->function(), by.name, by.about, types});
    }
  fmt::print("{}", all.text());
}

void print_distributions(bool as_json) {
  if (as_json) {
    json every = json::array();
    for (const distribution_info& info : distributions()) {
      json parameters = json::object();
      for (const field& p : info.parameters) parameters[p.key] = p.value.text();
      every.push_back({{"name", info.name}, {"about", info.about}, {"parameters", parameters}});
    }
    fmt::print("{}\n", every.dump(2));
    return;
  }
  table all({"distribution", "what it is", "parameters"});
  for (const distribution_info& info : distributions()) {
    std::string parameters;
    for (const field& p : info.parameters)
      parameters += fmt::format("{}{}={}", parameters.empty() ? "" : ",", p.key, p.value.text());
    all.add({std::string(info.name), std::string(info.about), parameters});
  }
  fmt::print("{}", all.text());
}

}  // namespace

void add_list(CLI::App& app, const common_options& common, int&) {
  struct options {
    std::vector<std::string> patterns;
    bool distributions = false;
  };
  auto chosen = std::make_shared<options>();
  CLI::App* const sub = app.add_subcommand(
      "list", "Lists functions and implementations; --json: numerics, tensors, backends too.");
  sub->add_option("PATTERN", chosen->patterns, "part of a function's name, or a shell pattern");
  sub->add_flag("--distributions", chosen->distributions,
                "lists what inputs can be drawn from instead");
  sub->footer("Examples:\n  assay list\n  assay list gelu --json\n  assay list --distributions");
  sub->callback([chosen, &common] {
    if (chosen->distributions) return print_distributions(common.json);
    const auto selected = select_contracts(chosen->patterns);
    if (!common.json) return print_table(selected);
    json all = json::array();
    for (const contract* c : selected) all.push_back(to_json(*c));
    fmt::print("{}\n", all.dump(2));
  });
}

}  // namespace assay::tools
