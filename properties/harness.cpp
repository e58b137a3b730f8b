#include "properties/harness.hpp"

#include "optimized/launcher.hpp"
#include "properties/agreement.hpp"
#include "properties/bad_input.hpp"
#include "properties/nearest.hpp"
#include "properties/staged_call.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <chrono>

namespace assay::properties {
namespace {

const implementation& implementation_of(const contract& c, const run_id& id) {
  if (const implementation* found = c.find(id.implementation)) return *found;
  std::vector<std::string> names;
  for (const implementation& each : c.implementations) names.push_back(each.name);
  throw bad_input("{} has no implementation '{}'; {}", c.function(), id.implementation,
                  suggestion(id.implementation, names));
}

const optimized::launcher* launcher_for(const simt::backend& place, const contract& c,
                                        const run_id& id) {
  return optimized::find_launcher(place.build(), c.function(), id.implementation);
}

simt::emulation emulation_for(const run_id& id, const implementation& by,
                              const run_settings& settings) {
  simt::emulation how;
  how.schedule = id.schedule;
  how.workers = settings.workers;
  how.blocks_in_order = !by.deterministic;
  how.time_limit_seconds = settings.time_limit_seconds;
  how.run = print(id);
  if (settings.sanitize) how.tools = *settings.sanitize;
  return how;
}

// Runs twice where asked, and fills in all of the report but the verdicts.
void execute(staged_call& staged, const simt::emulation& how, const implementation& by,
             const run_settings& settings, simt::backend& place, run_report& report) {
  place.take_findings();
  place.take_counters();
  const auto begun = std::chrono::steady_clock::now();
  staged.execute(how, std::byte(0xff));
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  report.counted = place.take_counters();
  report.findings = place.take_findings();
  report.output_bytes = staged.outputs();
  report.reason = staged.damage();
  if (!settings.repeat) return;
  staged.execute(how, std::byte(0x5a));
  report.repeats = staged.outputs() == report.output_bytes;
  if (report.findings.empty()) report.findings = place.take_findings();
  if (const std::string damage = staged.damage(); report.reason.empty() && !damage.empty())
    report.reason = "in a second run: " + damage;
  if (report.reason.empty() && by.deterministic && !*report.repeats)
    report.reason =
        "a second run gave other bits (the implementation declares itself deterministic)";
}

// What the emulator gives for the same case, against what the GPU gave.
std::string unlike_emulator(const prepared_case& prepared, const implementation& by,
                            const run_settings& settings, const run_report& on_cuda) {
  run_id id = on_cuda.id;
  id.backend = "emulator";
  simt::backend& place = simt::plain_emulator();
  const optimized::launcher* const launcher = launcher_for(place, *prepared.of, id);
  if (!launcher) return "the emulator has no kernel of this name";
  staged_call staged(*prepared.of, prepared.inputs, place, *launcher);
  staged.execute(emulation_for(id, by, settings), std::byte(0xff));
  const std::vector<tensor_bytes> expected = staged.outputs();
  for (std::size_t k = 0; k < expected.size(); ++k) {
    const dtype type = id.of.types[prepared.of->inputs.size() + k].type;
    const std::string unlike = disagreement(type, on_cuda.output_bytes[k], expected[k]);
    if (!unlike.empty()) return fmt::format("{}: {}", prepared.of->outputs[k].name, unlike);
  }
  return {};
}

void conclude(run_report& report) {
  if (report.reason.empty() && !report.findings.empty())
    report.reason = simt::to_string(report.findings.front());
  for (const output_verdict& each : report.outputs) {
    if (!report.reason.empty()) break;
    if (!each.strict.passed())
      report.reason = fmt::format("{}: {}", each.tensor, each.strict.reason);
    else if (!each.scatter.passed())
      report.reason = fmt::format("{}: {}", each.tensor, each.scatter.reason());
  }
  report.result = report.reason.empty() ? outcome::passed : outcome::failed;
}

}  // namespace

const char* name_of(outcome which) {
  constexpr const char* k_names[] = {"passed", "failed", "crashed", "unsupported", "not run"};
  return k_names[int(which)];
}

simt::backend* backend_named(const std::string& name, const run_settings& settings) {
  if (name == "emulator")
    return optimized::backend_of(settings.sanitize ? simt::build::sanitized : simt::build::plain);
  if (name == "cuda") return optimized::backend_of(simt::build::gpu);
  throw bad_input("unknown backend '{}'; there are: emulator, cuda", name);
}

run_report run(const run_id& id, const prepared_case& prepared, const run_settings& settings) {
  const contract& c = *prepared.of;
  const implementation& by = implementation_of(c, id);
  run_report report;
  report.id = id;
  simt::backend* const place = backend_named(id.backend, settings);
  if (!place) {
    report.reason = "no device";
    return report;
  }
  if (!by.in_place && value_of(id.of.shape, "inplace", 0) == number(1)) {
    report.result = outcome::unsupported;
    report.reason = fmt::format("'{}' does not work in place", by.name);
    return report;
  }
  if (const std::string why = by.declines ? by.declines(id.of) : ""; !why.empty()) {
    report.result = outcome::unsupported;
    report.reason = why;
    return report;
  }
  const optimized::launcher* const launcher = launcher_for(*place, c, id);
  if (!launcher) {
    report.result = outcome::unsupported;
    report.reason = fmt::format("no kernel of this name was built for {}", place->name());
    return report;
  }
  const auto begun = std::chrono::steady_clock::now();
  try {
    staged_call staged(c, prepared.inputs, *place, *launcher);
    report.input_bytes = staged.input_bytes();
    execute(staged, emulation_for(id, by, settings), by, settings, *place, report);
    std::vector<std::vector<double>> outputs;
    for (std::size_t k = 0; k < report.output_bytes.size(); ++k)
      outputs.push_back(decoded(id.of.types[c.inputs.size() + k].type, report.output_bytes[k]));
    report.outputs = judge(prepared, by, outputs, settings.judged_by);
    if (report.reason.empty() && id.backend == "cuda" && by.same_bits_on_emulator)
      report.reason = unlike_emulator(prepared, by, settings, report);
    conclude(report);
  } catch (const simt::error& problem) {
    // What the emulator ended at the time limit has hung; an error of CUDA's leaves a lost context.
    const double limit = settings.time_limit_seconds;
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
    const bool hung = limit > 0 && taken.count() >= limit;
    report.result = hung || id.backend == "cuda" ? outcome::crashed : outcome::failed;
    report.reason = problem.what();
    report.findings = place->take_findings();
  }
  return report;
}

std::vector<std::vector<double>> outputs_of(const run_id& id, const case_inputs& inputs,
                                            const run_settings& settings) {
  const contract& c = contract_of(id.of);
  const implementation& by = implementation_of(c, id);
  simt::backend* const place = backend_named(id.backend, settings);
  if (!place) throw simt::error(id.backend, "no device");
  const optimized::launcher* const launcher = launcher_for(*place, c, id);
  if (!launcher)
    throw simt::error(c.function(),
                      "no kernel '" + id.implementation + "' was built for " + place->name());
  staged_call staged(c, inputs, *place, *launcher);
  staged.execute(emulation_for(id, by, settings), std::byte(0xff));
  std::vector<std::vector<double>> values;
  const std::vector<tensor_bytes> outputs = staged.outputs();
  for (std::size_t k = 0; k < outputs.size(); ++k)
    values.push_back(decoded(id.of.types[c.inputs.size() + k].type, outputs[k]));
  return values;
}

}  // namespace assay::properties
