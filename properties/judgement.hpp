// The verdict on the outputs of one case, wherever they came from.
#pragma once

#include "properties/contract.hpp"
#include "properties/fraction_map.hpp"
#include "properties/scatter.hpp"

#include <optional>
#include <string>
#include <vector>

namespace assay::properties {

// Throws bad_input for a case that this machine cannot hold: it would be ended by the system, or
// take others down with it.
void require_memory(const contract& c, const case_id& id);

// The truth of a case and its inputs: computed once, used by every implementation and backend.
struct prepared_case {
  const contract* of = nullptr;
  case_inputs inputs;
  std::vector<truth> exact;  // one an output
};
prepared_case prepare(const case_id& id);

// What outputs are judged by, besides the strict bound.
struct judging {
  bool scatter = true;  // the statistical test, where the data are random enough for it
  // Fails an element that has no bound, because the declared arithmetic may overflow on these
  // inputs. A contract's own cases must have none; of drawn ones they are counted, not judged.
  bool unbounded_fails = true;
  bool map = false;  // says where the bound is used up, if the contract has a map
};

struct output_verdict {
  std::string tensor;
  verdict strict;
  scatter_verdict scatter;
  std::optional<fraction_map> map;
};

// The strict bounds of every output, element by element: how far from the truth an implementation's
// result may be before its last rounding.
std::vector<std::vector<double>> strict_limits(const prepared_case& prepared,
                                               const implementation& by,
                                               charge charged = charge::what_rounds);

// Of one output, element by element: does the implementation promise anything of it? Its declared
// domain is one of the first input: of the same element's where the shapes are equal, else (a
// reduction) of all elements.
std::vector<bool> promised_elements(const prepared_case& prepared, const implementation& by,
                                    std::size_t output);

// A verdict on outputs that came from anywhere: of a kernel, of a decoy, of another program.
// Throws std::invalid_argument where they are not as many, or not as large, as the contract's.
std::vector<output_verdict> judge(const prepared_case& prepared, const implementation& by,
                                  const std::vector<std::vector<double>>& outputs,
                                  const judging& how = {});

}  // namespace assay::properties
