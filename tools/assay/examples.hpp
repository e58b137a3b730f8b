// Runs that failed once: saved as files, and run again before anything new is tried.
#pragma once

#include "properties/case.hpp"

#include <string>
#include <vector>

namespace assay::tools {

struct example {
  properties::run_id run;
  std::string file;  // empty: a journal named it, and nothing was saved
};

// The runs that the safetensors files in a folder say they are of (report.hpp, save_failure), and
// those that journals of dead processes name. Files of anything else are left alone; those of this
// program's that cannot be read, or whose id is not known any more, are complained of and left out.
std::vector<example> examples_in(const std::string& folder);

// Saves the inputs of a run whose process died; returns the file's path.
std::string save_inputs(const properties::run_id& run, const std::string& reason,
                        const std::string& folder);

}  // namespace assay::tools
