// assay bench claims: the tables of READMEs that say what kernels cost, from contracts and
// counters.

#include "bench/claims.hpp"
#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "tools/assay/bench_options.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/comparison.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/terminal.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>

namespace assay::tools {
namespace {

constexpr std::size_t k_largest_readme = std::size_t(16) << 20;

struct claim_options {
  std::string root;
  bool write = false;
};

std::filesystem::path root_of(const claim_options& chosen) {
  if (!chosen.root.empty()) return chosen.root;
  const std::string waivers = default_waivers();
  if (waivers.empty())
    throw bad_input("this folder is in no git repository; --root says where the READMEs are");
  return std::filesystem::path(waivers).parent_path().parent_path();
}

int claims(const claim_options& chosen, const common_options& common) {
  const std::filesystem::path root = root_of(chosen);
  nlohmann::json told = nlohmann::json::array();
  bool good = true;
  for (const bench::claim& each : bench::claims()) {
    const std::string path = (root / each.file).string();
    const std::string document = properties::read_file(path, k_largest_readme);
    const std::string stands = bench::section_of(document, each.name);
    const bench::claimed made = each.make();
    for (const std::string& line : made.contradictions) complain(line);
    const bool same = stands == made.text, sound = made.contradictions.empty();
    if (chosen.write && sound && !same)
      properties::write_file(path, bench::with_section(document, each.name, made.text));
    if (!same && !chosen.write)
      complain(fmt::format("{} says something else; assay bench claims --write", each.file));
    good = good && sound && (same || chosen.write);
    if (!common.json) fmt::print("{}", made.text);
    told.push_back({{"name", each.name},
                    {"file", each.file},
                    {"text", made.text},
                    {"contradictions", made.contradictions},
                    {"stands_there", same || (chosen.write && sound)}});
  }
  if (common.json) fmt::print("{}\n", told.dump(1));
  return good ? k_good : k_wrong;
}

}  // namespace

void add_bench_claims(CLI::App& bench, const common_options& common, int& status) {
  auto chosen = std::make_shared<claim_options>();
  CLI::App* const sub = bench.add_subcommand(
      "claims", "Memory, traffic and work of kernels by size: the tables of the READMEs.");
  sub->add_flag("--write", chosen->write, "puts them into the READMEs");
  sub->add_option("--root", chosen->root, "of the READMEs; otherwise this repository's")
      ->type_name("FOLDER");
  sub->footer(
      "Exit status: 1 where a README says something else, or a count is not what the formula "
      "says.\n\n"
      "Examples:\n  assay bench claims\n  assay bench claims --write");
  sub->callback([chosen, &common, &status] { status = claims(*chosen, common); });
}

}  // namespace assay::tools
