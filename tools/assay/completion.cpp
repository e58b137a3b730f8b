// assay completion: a script that teaches a shell the command's words.

#include "properties/bad_input.hpp"
#include "properties/contract.hpp"
#include "tools/assay/command.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <set>

namespace assay::tools {
namespace {

// Options of a subcommand and of its own subcommands.
void add_options(const CLI::App& of, std::set<std::string>& into) {
  for (const CLI::Option* option : of.get_options())
    for (const std::string& name : option->get_lnames()) into.insert("--" + name);
  for (const CLI::App* sub : of.get_subcommands({})) add_options(*sub, into);
}

// Subcommands and their options come from the command itself, so that they cannot fall behind it.
std::string bash_script(const CLI::App& app) {
  std::string subcommands, cases;
  for (const CLI::App* sub : app.get_subcommands({})) {
    std::set<std::string> options = {"--help", "--json", "--color"};
    add_options(*sub, options);
    subcommands += (subcommands.empty() ? "" : " ") + sub->get_name();
    std::string words;
    for (const CLI::App* each : sub->get_subcommands({})) words += " " + each->get_name();
    cases += fmt::format("    {}) options=\"{}\" words=\"{}\" ;;\n", sub->get_name(),
                         fmt::join(options, " "), words);
  }
  std::set<std::string> names;
  for (const properties::contract& c : properties::contracts()) names.insert(c.function());
  std::string functions;
  for (const std::string& name : names) functions += (functions.empty() ? "" : " ") + name;
  return fmt::format(R"(# bash completion of assay: source <(assay completion bash)
_assay() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}
  local subcommand="" options="" words="" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      --color) ((i++)) ;;
      -*) ;;
      *) subcommand=${{COMP_WORDS[i]}}; break ;;
    esac
  done
  case $previous in
    --on) COMPREPLY=($(compgen -W "best reference emulator cuda" -- "$word")); return ;;
    --dtype) COMPREPLY=($(compgen -W "bf16 fp16 fp32" -- "$word")); return ;;
    --color) COMPREPLY=($(compgen -W "auto always never" -- "$word")); return ;;
    --require) COMPREPLY=($(compgen -W "cuda" -- "$word")); return ;;
    --sanitize) COMPREPLY=($(compgen -W "memcheck racecheck initcheck synccheck all" -- "$word")); return ;;
    --in | --out | --junit | --save | --state | --folder) COMPREPLY=($(compgen -f -- "$word")); return ;;
  esac
  case $subcommand in
    "") COMPREPLY=($(compgen -W "{} --help --version --color --json" -- "$word")); return ;;
{}  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$words {}" -- "$word")) ;;
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
