// One run: an implementation on a backend, on the inputs of a case, with everything watched that
// can be watched, and its verdict.
//
// Around every kernel call: outputs poisoned, canaries on both sides of every buffer, inputs
// compared afterwards, and a second run on other poison compared bit by bit.
#pragma once

#include "optimized/simt/backend.hpp"
#include "properties/judgement.hpp"

#include <optional>
#include <string>
#include <vector>

namespace assay::properties {

enum class outcome {
  passed,
  failed,
  crashed,      // the process died in it, or it ran past its time
  unsupported,  // this device cannot run it
  not_run,      // no device
};
const char* name_of(outcome which);

struct run_settings {
  // On the emulator: the sanitized build with these tools, or the plain one.
  std::optional<simt::sanitizer_tools> sanitize;
  bool repeat = true;  // a second run, compared bit by bit
  judging judged_by;
  unsigned workers = 0;  // of the plain emulator; 0: one per core
  double time_limit_seconds = 0;
};

struct run_report {
  run_id id;
  outcome result = outcome::not_run;
  std::string reason;  // empty where it passed
  std::vector<output_verdict> outputs;
  std::vector<simt::finding> findings;
  simt::counters counted;
  std::optional<bool>
      repeats;         // did the second run give the same bits? Empty where it was not made.
  double seconds = 0;  // of the kernel calls, waits included
  // Bits of the inputs and of what came out, for saving a failure.
  std::vector<std::vector<std::byte>> input_bytes, output_bytes;
};

// The backend that a run's name ("emulator" or "cuda") and settings mean; null where there is no
// device.
simt::backend* backend_named(const std::string& name, const run_settings& settings);

// Throws bad_input where the id names no implementation or backend; all else is in the report.
run_report run(const run_id& id, const prepared_case& prepared, const run_settings& settings);

// The outputs of an implementation on given inputs, as numbers; throws simt::error where the run
// fails.
std::vector<std::vector<double>> outputs_of(const run_id& id, const case_inputs& inputs,
                                            const run_settings& settings);

}  // namespace assay::properties
