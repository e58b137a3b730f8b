// assay completion: a script that teaches a shell the command's words.

#include "properties/bad_input.hpp"
#include "properties/contract.hpp"
#include "tools/assay/command.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <memory>
#include <set>

namespace assay::tools {
namespace {

// Subcommands and their options come from the command itself, so that they cannot fall behind it.
std::string bash_script(const CLI::App& app) {
  std::string subcommands, cases;
  for (const CLI::App* sub : app.get_subcommands({})) {
    std::string options = "--help --json --color";
    for (const CLI::Option* option : sub->get_options())
      for (const std::string& name : option->get_lnames())
        if (name != "help") options += " --" + name;
    subcommands += (subcommands.empty() ? "" : " ") + sub->get_name();
    cases += fmt::format("    {}) options=\"{}\" ;;\n", sub->get_name(), options);
  }
  std::set<std::string> names;
  for (const properties::contract& c : properties::contracts()) names.insert(c.function());
  std::string functions;
  for (const std::string& name : names) functions += (functions.empty() ? "" : " ") + name;
  return fmt::format(R"(# bash completion of assay: source <(assay completion bash)
_assay() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} options=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{} --help --version --color --json" -- "$word"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
{}  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "{}" -- "$word") $(compgen -f -- "$word")) ;;
  esac
}}
complete -F _assay assay
)",
                     subcommands, cases, functions);
}

}  // namespace

void add_completion(CLI::App& app, const common_options&, int&) {
  auto shell = std::make_shared<std::string>();
  CLI::App* const sub = app.add_subcommand("completion", "Prints a completion script for a shell.");
  sub->add_option("SHELL", *shell, "bash")->required();
  sub->footer("Example:\n  source <(assay completion bash)");
  sub->callback([shell, &app] {
    if (*shell != "bash") throw bad_input("completion is there for bash, not for '{}'", *shell);
    fmt::print("{}", bash_script(app));
  });
}

}  // namespace assay::tools
