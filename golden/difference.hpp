// What changed between two records of a component.
#pragma once

#include "golden/record.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace assay::golden {

enum class cause {
  added,      // the case is new
  removed,    // the case is gone
  inputs,     // the case's inputs changed, and its outputs may have with them
  reference,  // the same inputs, another result, or another standing of it ("rounded", "within")
};
std::string_view name_of(cause why);

// A tensor that changed.
struct change {
  properties::case_id id;
  std::string tensor;
  cause why = cause::reference;
  std::string before_holds, after_holds;  // "rounded", ...; empty where there is none
  dtype type = dtype::fp32;
  std::vector<std::int64_t> shape;
  std::int64_t elements = 0, moved = 0;
  // By how much the worst moved, at the larger of the two, in the output's dtype (of y.truth too).
  double ulps = 0;
  std::int64_t worst = -1;  // flat index
  // The worst element and its neighbours in the tensor, as many as there are.
  std::int64_t first_shown = 0;
  std::vector<double> before, after;
};

// Bit by bit; results that were recorded with bounds of their errors differ where they lie further
// apart than these allow. Cases that are in one record only come as one change each.
std::vector<change> difference(const record& before, const record& after);

// "3 of 32 moved, by up to 1 ULP: [7] 0.5 -> 0.25": in one line.
std::string in_words(const change& of);

}  // namespace assay::golden
