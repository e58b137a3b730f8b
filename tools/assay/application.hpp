// The whole command: what main() calls, and what a program calls that adds contracts and kernels of
// its own first (properties::add_contract, optimized::add_launcher).
#pragma once

namespace assay::tools {

// Parses the command line and runs the subcommand; returns the exit status (exit_code.hpp).
int run_application(int argc, char** argv);

}  // namespace assay::tools
