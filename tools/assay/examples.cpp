#include "tools/assay/examples.hpp"

#include "properties/bad_input.hpp"
#include "properties/safetensors.hpp"
#include "properties/staged_call.hpp"
#include "tools/assay/journal.hpp"
#include "tools/assay/report.hpp"
#include "tools/assay/terminal.hpp"

#include <algorithm>
#include <filesystem>

namespace assay::tools {

using namespace properties;

namespace {

// The run as it may be run now; throws bad_input where it may not.
run_id known_run(const std::string& text) {
  run_id run = parse_run(text);
  const contract& c = contract_of(run.of);
  validate(c, run.of);
  if (!c.find(run.implementation))
    throw bad_input("{} has no implementation '{}'", c.function(), run.implementation);
  return run;
}

void add(std::vector<example>& all, const std::string& text, const std::string& file) {
  try {
    run_id run = known_run(text);
    const auto same = [&](const example& each) { return each.run == run; };
    if (std::none_of(all.begin(), all.end(), same)) all.push_back({std::move(run), file});
  } catch (const bad_input& wrong) {
    complain((file.empty() ? "a journal" : file) + ": left out: " + wrong.what());
  }
}

}  // namespace

std::vector<example> examples_in(const std::string& folder) {
  std::vector<example> all;
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    try {
      const tensor_file saved = read_safetensors(file);
      const auto run = saved.metadata.find("run");
      if (run != saved.metadata.end()) add(all, run->second, file);
    } catch (const bad_input& wrong) {
      complain(std::string("left out: ") + wrong.what());
    }
  }
  for (const std::string& line : journal::left_behind(folder)) add(all, line, "");
  return all;
}

std::string save_inputs(const run_id& run, const std::string& reason, const std::string& folder) {
  const prepared_case prepared = prepare(run.of);
  run_report report;
  report.id = run;
  report.result = outcome::crashed;
  report.reason = reason;
  for (std::size_t t = 0; t < prepared.inputs.values.size(); ++t)
    report.input_bytes.push_back(encoded(run.of.types[t].type, prepared.inputs.values[t]));
  return save_failure(report, prepared, folder);
}

}  // namespace assay::tools
