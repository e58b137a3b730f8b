#include "tools/assay/entry.hpp"

#include "properties/bad_input.hpp"
#include "properties/nearest.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/terminal.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <vector>

namespace assay::tools {
namespace {

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

// Standard output is buffered: whether all of it was written shows at the end.
int finished(int status) {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return status;
  throw bad_input("cannot write to standard output: {}", std::strerror(errno));
}

}  // namespace

void add_common_options(CLI::App& app, bool& json) {
  const std::map<std::string, color_choice> colors = {{"auto", color_choice::automatic},
                                                      {"always", color_choice::always},
                                                      {"never", color_choice::never}};
  app.require_subcommand(1);
  app.set_version_flag("--version", ASSAY_VERSION);
  app.add_flag("--json", json, "JSON on standard output");
  const auto color = std::make_shared<color_choice>(color_choice::automatic);
  app.add_option("--color", *color, "auto, always or never; NO_COLOR turns auto off")
      ->transform(CLI::CheckedTransformer(colors))
      ->type_name("WHEN");
  app.parse_complete_callback([color] { choose_color(*color); });
  app.fallthrough();
}

void parse_or_refuse(CLI::App& app, int argc, char** argv) {
  refuse_unknown_subcommand(app, subcommand_in(argc, argv));
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    app.exit(help);
  } catch (const CLI::CallForVersion& version) {
    app.exit(version);
  } catch (const CLI::ParseError& wrong) {
    throw bad_input("{} (see {} --help)", wrong.what(), app.get_name());
  }
}

int status_of(const std::function<int()>& body) {
  try {
    return finished(body());
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
