#include "tools/assay/application.hpp"

#include "properties/bad_input.hpp"
#include "properties/nearest.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/entry.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/terminal.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <map>
#include <new>
#include <string>
#include <system_error>
#include <vector>

namespace assay::tools {
namespace {

constexpr const char* k_examples = R"(Examples:
  assay check                     every pair on the best backend at hand
  assay check gelu.erf --json     some of them, for a program
  assay exhaustive gelu.erf.fwd --dtype bf16
  assay replay 'v1/gelu.erf.fwd/x=bf16,y=bf16/n=1023,align=2/dist=tails/seed=7@impl=fused,on=emulator,sched=0'

Exit status: 0 good, 1 a wrong result, 2 bad input, 3 slower, 4 a golden waits to be accepted or
changed, 5 ambiguous (if asked for), 6 a kernel crashed or hung, 70 an error in assay, 77 a required
device is absent, 130 interrupted.)";

int run(int argc, char** argv) {
  CLI::App app("Holds CUDA kernels against the mathematics they claim to compute.", "assay");
  app.footer(k_examples);
  common_options common;
  add_common_options(app, common.json);
  int status = k_good;
  add_list(app, common, status);
  add_check(app, common, status);
  add_fuzz(app, common, status);
  add_exhaustive(app, common, status);
  add_replay(app, common, status);
  add_run(app, common, status);
  add_judge(app, common, status);
  add_golden(app, common, status);
  add_doctor(app, common, status);
  add_bench(app, common, status);
  add_compare(app, common, status);
  add_history(app, common, status);
  add_completion(app, common, status);
  parse_or_refuse(app, argc, argv);
  return status;
}

}  // namespace

int run_application(int argc, char** argv) {
  return status_of([&] { return run(argc, argv); });
}

}  // namespace assay::tools
