// What the programs of tools/ have in common on their way in and out: options for all subcommands,
// misspelt subcommands, and what becomes of an exception.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace assay::tools {

// --version, --json and --color; one subcommand is required.
void add_common_options(CLI::App& app, bool& json);

// Runs the chosen subcommand, or prints help or the version. Throws bad_input for a wrong command
// line; a misspelt subcommand comes with the nearest names.
void parse_or_refuse(CLI::App& app, int argc, char** argv);

// What `body` returns, or the exit status (exit_code.hpp) for what it threw, of which it complains
// in one line.
int status_of(const std::function<int()>& body);

}  // namespace assay::tools
