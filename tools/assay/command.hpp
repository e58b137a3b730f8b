// The subcommands, one file each: every add_...() puts its subcommand into `app` and, when it is
// chosen, sets `status` to what the process exits with (exit_code.hpp). What a person or a file did
// wrong is thrown as bad_input.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace assay::tools {

inline constexpr unsigned k_most_threads = 1024;  // that a person can ask for

// Options that several subcommands share.
struct common_options {
  bool json = false;
};

void add_list(CLI::App& app, const common_options& common, int& status);
void add_check(CLI::App& app, const common_options& common, int& status);
void add_fuzz(CLI::App& app, const common_options& common, int& status);
void add_exhaustive(CLI::App& app, const common_options& common, int& status);
void add_replay(CLI::App& app, const common_options& common, int& status);
void add_run(CLI::App& app, const common_options& common, int& status);
void add_judge(CLI::App& app, const common_options& common, int& status);
void add_golden(CLI::App& app, const common_options& common, int& status);
void add_doctor(CLI::App& app, const common_options& common, int& status);
void add_bench(CLI::App& app, const common_options& common, int& status);
void add_compare(CLI::App& app, const common_options& common, int& status);
void add_history(CLI::App& app, const common_options& common, int& status);
void add_completion(CLI::App& app, const common_options& common, int& status);

}  // namespace assay::tools
