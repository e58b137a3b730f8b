// gpt2 spread: is the end of the whole model as far off as its arithmetic must be, and no farther?

#include "properties/bad_input.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/options.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/gpt2/command.hpp"
#include "tools/gpt2/engine_options.hpp"
#include "tools/gpt2/spread.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace assay::gpt2 {
namespace {

struct spread_options {
  std::string folder;
  token_options from;
  engine_options by{.on = "emulator"};
  int runs = 30;
  std::uint64_t seed = 1;
};

void print_json(const spread_options& chosen, const spread_report& report) {
  nlohmann::json judged = nlohmann::json::array();
  for (const judged_distance& each : report.judged)
    judged.push_back({{"of", each.of},
                      {"distance", each.distance},
                      {"mean_of_runs", each.mean},
                      {"limit", each.limit},
                      {"passed", each.passed()}});
  fmt::print("{}\n", nlohmann::json({{"on", chosen.by.on},
                                     {"dtype", name_of(chosen.by.type)},
                                     {"runs", chosen.runs},
                                     {"judged", judged},
                                     {"divergence", report.divergence},
                                     {"agreement", report.agreement},
                                     {"loss", report.loss},
                                     {"exact_loss", report.exact_loss},
                                     {"gradient_norm", report.norm},
                                     {"exact_gradient_norm", report.exact_norm}})
                         .dump());
}

void print_table(const spread_options& chosen, const spread_report& report) {
  tools::table shown({"of", "distance", "of runs", "limit"});
  for (const judged_distance& each : report.judged)
    shown.add({each.of, fmt::format("{:.2e}", each.distance), fmt::format("{:.2e}", each.mean),
               fmt::format("{:.2e}", each.limit)},
              each.passed() ? tools::tone::plain : tools::tone::bad);
  fmt::print("{}\n", shown.text());
  fmt::print("Kullback-Leibler divergence {:.3g}, the most probable token agrees for {:.2f} %\n",
             report.divergence, 100 * report.agreement);
  fmt::print(
      "loss {:.6f}, exactly {:.6f}; gradient norm {:.6g}, exactly {:.6g}; {} perturbed runs\n",
      report.loss, report.exact_loss, report.norm, report.exact_norm, chosen.runs);
}

int run_spread(const spread_options& chosen, const common_options& common) {
  if (chosen.by.on == "reference")
    throw bad_input("the spread is that of kernels: --on emulator or cuda");
  model of = read_model(chosen.folder);
  round_parameters(of, chosen.by.type);
  const token_file in = sequences_of(chosen.from, true);
  check_tokens(in.tokens, of.config);
  check_targets(in.targets, of.config);
  const std::unique_ptr<engine> by = make_engine(chosen.by, of);
  const std::vector<double> logits = by->logits(in.tokens);
  const spread_report report =
      judge_by_spread(of, in.tokens, in.targets, chosen.by.type, logits,
                      by->loss(in.tokens, in.targets, true), chosen.runs, chosen.seed);
  if (common.json)
    print_json(chosen, report);
  else
    print_table(chosen, report);
  const bool passed = std::all_of(report.judged.begin(), report.judged.end(),
                                  [](const judged_distance& each) { return each.passed(); });
  return passed ? tools::k_good : tools::k_wrong;
}

}  // namespace

void add_spread(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<spread_options>();
  CLI::App* const sub = app.add_subcommand(
      "spread", "Holds the end of the model to what rounding alone makes of it.");
  sub->add_option("FOLDER", chosen->folder, "config.json and model.safetensors")->required();
  add_token_options(*sub, chosen->from, "tokens and targets, int32 [B, T]");
  sub->add_option("--runs", chosen->runs, "of the reference, perturbed")
      ->check(CLI::Range(3, 10000))
      ->capture_default_str();
  sub->add_option("--seed", chosen->seed, "of the perturbations")
      ->check(tools::whole_number())
      ->capture_default_str();
  add_engine_options(*sub, chosen->by);
  sub->callback([chosen, &common, &status] { status = run_spread(*chosen, common); });
}

}  // namespace assay::gpt2
