// Any case of a function, as RapidCheck draws and shrinks them. What is drawn is a case (shape,
// layout, parameters, distribution, seed, schedule), never its data: those come from the id.
#pragma once

#include "properties/contract.hpp"

#include <rapidcheck.h>

#include <cstdint>
#include <string>
#include <vector>

namespace assay::properties {

// What a run is drawn for: an implementation, its tensors' dtypes, where it runs.
struct fuzz_target {
  const contract* of = nullptr;
  const implementation* by = nullptr;
  std::vector<dtype> types;
  std::string backend;
};

// A target as the id of one of its runs: what patterns are matched against.
std::string text_of(const fuzz_target& target);

// Runs that are simpler in one thing: fewer elements, aligned, a parameter at its default, other
// data, threads in program order; the largest steps first. What a failing run shrinks to.
rc::Seq<run_id> simpler_runs(const run_id& run);

// Runs of the target that the implementation takes; they shrink by simpler_runs.
rc::Gen<run_id> any_run(const fuzz_target& target);

// The `index`-th run that a seed gives: any of them by itself, so that work can be divided.
rc::Shrinkable<run_id> drawn_run(const rc::Gen<run_id>& from, std::uint64_t seed,
                                 std::uint64_t index);

// A run like `near`, with one thing taken from `drawn`, a run of the same target: for a search that
// climbs.
run_id neighbour_of(const run_id& near, const run_id& drawn, std::uint64_t choice);

}  // namespace assay::properties
