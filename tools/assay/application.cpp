#include "tools/assay/application.hpp"

#include "properties/bad_input.hpp"
#include "properties/nearest.hpp"
#include "tools/assay/command.hpp"
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

// The first word that is neither an option nor an option's value.
std::string subcommand_in(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--color")
      ++i;
    else if (word.empty() || word[0] != '-')
      return word;
  }
  return "";
}

// A misspelt subcommand, with the nearest names.
void refuse_unknown_subcommand(const CLI::App& app, const std::string& given) {
  if (given.empty()) return;
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands({})) names.push_back(sub->get_name());
  if (std::find(names.begin(), names.end(), given) != names.end()) return;
  throw bad_input("unknown subcommand '{}'; {}", given, properties::suggestion(given, names));
}

int run(int argc, char** argv) {
  CLI::App app("Holds CUDA kernels against the mathematics they claim to compute.", "assay");
  app.footer(k_examples);
  app.require_subcommand(1);
  app.set_version_flag("--version", ASSAY_VERSION);
  common_options common;
  color_choice color = color_choice::automatic;
  const std::map<std::string, color_choice> colors = {{"auto", color_choice::automatic},
                                                      {"always", color_choice::always},
                                                      {"never", color_choice::never}};
  app.add_flag("--json", common.json, "JSON on standard output");
  app.add_option("--color", color, "auto, always or never; NO_COLOR turns auto off")
      ->transform(CLI::CheckedTransformer(colors))
      ->type_name("WHEN");
  app.parse_complete_callback([&] { choose_color(color); });
  app.fallthrough();

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
  refuse_unknown_subcommand(app, subcommand_in(argc, argv));
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    return app.exit(version);
  } catch (const CLI::ParseError& wrong) {
    throw bad_input("{} (see assay --help)", wrong.what());
  }
  return status;
}

// Standard output is buffered: whether all of it was written shows at the end.
int finished(int status) {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return status;
  throw bad_input("cannot write to standard output: {}", std::strerror(errno));
}

}  // namespace

int run_application(int argc, char** argv) {
  try {
    return finished(run(argc, argv));
  } catch (const bad_input& wrong) {
    complain(wrong.what());
    return k_bad_input;
  } catch (const std::bad_alloc&) {
    complain("there is not enough memory for this");
    return k_bad_input;
  } catch (const std::system_error& error) {  // fmt::print, of a standard output that is full
    complain(error.what());
    return k_bad_input;
  } catch (const std::exception& error) {
    complain(fmt::format("internal error: {}", error.what()));
    return k_internal;
  }
}

}  // namespace assay::tools
