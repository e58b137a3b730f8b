#include "tools/assay/running.hpp"

#include "optimized/launcher.hpp"
#include "properties/bad_input.hpp"
#include "properties/property.hpp"
#include "tools/assay/report.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/assay/workers.hpp"

#include <memory>

namespace assay::tools {

using namespace properties;
using nlohmann::json;

simt::sanitizer_tools tools_named(const std::string& names) {
  if (names == "all") return {};
  simt::sanitizer_tools tools{false, false, false, false};
  std::size_t at = 0;
  while (at <= names.size()) {
    const std::size_t comma = std::min(names.find(',', at), names.size());
    const std::string name = names.substr(at, comma - at);
    if (name == "memcheck")
      tools.memcheck = true;
    else if (name == "racecheck")
      tools.racecheck = true;
    else if (name == "initcheck")
      tools.initcheck = true;
    else if (name == "synccheck")
      tools.synccheck = true;
    else
      throw bad_input(
          "unknown sanitizer '{}'; there are: memcheck, racecheck, initcheck, synccheck, all",
          name);
    at = comma + 1;
  }
  return tools;
}

void refuse_sanitizers_on(const std::string& backend, const run_settings& settings) {
  if (settings.sanitize && backend != "emulator")
    throw bad_input("--sanitize is the emulator's; on a GPU run compute-sanitizer on assay replay");
}

const json& probed_device() {
  static const json k_probed = [] {
    const job_result result = run_in_process({}, 60, [](const json&) -> json {
      simt::backend* const place = optimized::backend_of(simt::build::gpu);
      if (!place && optimized::launchers(simt::build::gpu).empty())
        return {{"available", false}, {"why", "built without CUDA"}};
      if (!place) return {{"available", false}, {"why", "no device"}};
      return {{"available", true}, {"name", place->name()}};
    });
    if (result.how == job_result::end::returned) return result.value;
    return json{{"available", false}, {"why", "the driver failed: " + result.death}};
  }();
  return k_probed;
}

bool cuda_is_there() {
  if (probed_device().at("available").get<bool>()) return true;
  complain("cuda is not there: " + probed_device().at("why").get<std::string>());
  return false;
}

void ask_property(run_report& report, std::size_t k, const run_settings& settings) {
  const contract& c = contract_of(report.id.of);
  if (report.result != outcome::passed || c.properties.empty()) return;
  const property& each = c.properties[k % c.properties.size()];
  try {
    report.reason = each.broken(subject(report.id, settings));
  } catch (const simt::error& problem) {
    report.reason = problem.what();
  }
  if (report.reason.empty()) return;
  report.reason = fmt::format("'{}' does not hold: {}", each.statement, report.reason);
  report.result = outcome::failed;
}

std::function<json(const json&)> run_handler(const run_settings& settings,
                                             const std::string& folder, bool properties) {
  // Implementations of one case come one after the other: its truth is computed once.
  auto last = std::make_shared<std::optional<prepared_case>>();
  return [settings, folder, properties, last](const json& job) {
    const run_id id = parse_run(job.at("id").get<std::string>());
    if (!*last || !((*last)->inputs.id == id.of)) *last = prepare(id.of);
    run_report report = run(id, **last, settings);
    if (properties)
      for (std::size_t k = 0; k < (*last)->of->properties.size(); ++k)
        ask_property(report, k, settings);
    json told = to_json(report, settings, properties);
    if (report.result == outcome::failed && !folder.empty()) {
      try {
        told["saved"] = save_failure(report, **last, folder);
      } catch (const bad_input& problem) {
        told["saved"] = std::string("nothing: ") + problem.what();
      }
    }
    return told;
  };
}

}  // namespace assay::tools
