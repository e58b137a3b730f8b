// assay golden: expected outputs on file, reviewed before they change (golden/README.md).

#include "golden/cases.hpp"
#include "golden/store.hpp"
#include "properties/bad_input.hpp"
#include "properties/nearest.hpp"
#include "properties/safetensors.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/golden_runs.hpp"
#include "tools/assay/golden_verify.hpp"
#include "tools/assay/options.hpp"
#include "tools/assay/terminal.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace assay::tools {
namespace {

using namespace properties;
using golden::record;
using golden::store;
using nlohmann::json;

struct golden_options {
  std::vector<std::string> names;
  std::string folder = "golden", revision, reason, file;
  bool as_markdown = false;
  unsigned jobs = 0;
  double time_limit = 300;
};

// The components that were named, or all; throws bad_input for one that there is not.
std::vector<std::string> chosen_components(const golden_options& chosen) {
  const std::vector<std::string> all = golden::components();
  for (const std::string& name : chosen.names)
    if (std::find(all.begin(), all.end(), name) == all.end())
      throw bad_input("unknown component '{}'; {}", name, suggestion(name, all));
  return chosen.names.empty() ? all : chosen.names;
}

// Those that were named, or all that have a file: what was accepted outlives its contract.
std::vector<std::string> chosen_files(const golden_options& chosen) {
  if (chosen.names.empty()) return store(chosen.folder).components();
  return chosen.names;
}

int update(const golden_options& chosen, const common_options& common) {
  const store kept(chosen.folder);
  json results = json::array();
  int status = k_good;
  for (const std::string& name : chosen_components(chosen)) {
    record now = golden::make_record(name);
    now.provenance["generator"] = "assay " ASSAY_VERSION;
    now.provenance["commit"] = kept.commit();
    const auto accepted = kept.accepted(name);
    const auto changes = accepted ? difference(*accepted, now) : std::vector<golden::change>();
    std::string state = "as accepted";
    if (accepted && changes.empty()) {
      kept.drop_pending(name);
    } else {
      kept.write_pending(now);
      status = k_golden_pending;
      state = accepted
                  ? fmt::format("{} changes wait in {}", changes.size(), kept.pending_path(name))
                  : fmt::format("new, waits in {}", kept.pending_path(name));
    }
    results.push_back({{"component", name},
                       {"cases", now.cases.size()},
                       {"state", state},
                       {"pending", state != "as accepted"}});
    if (!common.json) fmt::print("{}: {} cases, {}\n", name, now.cases.size(), state);
  }
  if (common.json) fmt::print("{}\n", results.dump(1));
  if (status == k_golden_pending)
    complain("see assay golden diff; then assay golden accept NAME --reason TEXT, or reject NAME");
  return status;
}

int diff(const golden_options& chosen, const common_options& common) {
  watch_interrupts();
  const store kept(chosen.folder);
  std::vector<golden_changes> all;
  bool any = false;
  for (const std::string& name : chosen_files(chosen)) {
    const bool against_revision = !chosen.revision.empty();
    const auto after = against_revision ? kept.accepted(name) : kept.pending(name);
    if (!against_revision && !after) continue;  // nothing waits
    const auto before =
        against_revision ? kept.at_revision(chosen.revision, name) : kept.accepted(name);
    all.push_back(changes_between(name, before, after, chosen.jobs, chosen.time_limit));
    any = any || !all.back().changes.empty();
  }
  if (common.json) {
    json told = json::array();
    for (const golden_changes& each : all) told.push_back(to_json(each));
    fmt::print("{}\n", told.dump(1));
  } else if (chosen.as_markdown) {
    fmt::print("{}", any ? markdown(all) : "No golden changed.\n");
  } else {
    for (const golden_changes& each : all) fmt::print("{}", told(each));
    if (all.empty()) fmt::print("no golden waits to be accepted\n");
  }
  if (interrupted()) return k_interrupted;
  return any ? k_golden_pending : k_good;
}

int accept(const golden_options& chosen) {
  if (const auto ci = golden::ci_variable())
    throw bad_input("a golden is accepted by a person, not in CI ({} is set)", *ci);
  const store kept(chosen.folder);
  const std::string name = chosen_components(chosen).front();
  const auto waiting = kept.pending(name);
  if (!waiting) throw bad_input("{}: no golden waits there", kept.pending_path(name));
  if (!difference(*waiting, golden::make_record(name)).empty())
    throw bad_input(
        "{}: the reference has changed since it was made; assay golden update {}, and look at it "
        "again",
        kept.pending_path(name), name);
  kept.accept(name, chosen.reason);
  fmt::print("{}: accepted\n", kept.accepted_path(name));
  return k_good;
}

int reject(const golden_options& chosen) {
  const store kept(chosen.folder);
  const std::string& name = chosen.names.front();
  const std::vector<std::string> there = kept.components();
  if (std::find(there.begin(), there.end(), name) == there.end())
    throw bad_input("{}: no golden waits there", kept.pending_path(name));
  kept.drop_pending(name);
  fmt::print("{}: gone\n", kept.pending_path(name));
  return k_good;
}

int show(const golden_options& chosen) {
  fmt::print("{}", text_of(golden::from_file(read_safetensors(chosen.file), chosen.file)));
  return k_good;
}

int verify(const golden_options& chosen, const common_options& common) {
  watch_interrupts();
  const store kept(chosen.folder);
  std::vector<std::string> names = chosen_components(chosen);
  if (chosen.names.empty())
    for (const std::string& each : kept.components())
      if (std::find(names.begin(), names.end(), each) == names.end()) names.push_back(each);
  json results = json::array();
  table all({"component", "cases", "kernel runs", "of bound", "outcome"});
  std::vector<std::string> lines;
  int failed = 0, crashed = 0, pending = 0;
  for (const std::string& name : names) {
    const verification of = verify_golden(kept, name, chosen.jobs, chosen.time_limit);
    failed += of.failed, crashed += of.crashed, pending += int(of.pending.size());
    const char* const outcome = of.crashed           ? "crashed"
                                : of.failed          ? "failed"
                                : of.pending.empty() ? "verified"
                                                     : "pending";
    all.add({name, std::to_string(of.cases), std::to_string(of.runs),
             fmt::format("{:.3f}", of.fraction), outcome},
            outcome == std::string("verified") ? tone::plain : tone::bad);
    for (const auto* each : {&of.pending, &of.wrong})
      lines.insert(lines.end(), each->begin(), each->end());
    results.push_back({{"component", name},
                       {"cases", of.cases},
                       {"runs", of.runs},
                       {"fraction", of.fraction},
                       {"outcome", outcome},
                       {"pending", of.pending},
                       {"wrong", of.wrong}});
  }
  fmt::print("{}", common.json ? results.dump(1) + "\n" : all.text());
  if (!common.json)
    for (const std::string& each : lines) fmt::print("{}\n", each);
  if (interrupted()) return k_interrupted;
  return crashed ? k_crashed : failed ? k_wrong : pending ? k_golden_pending : k_good;
}

}  // namespace

void add_golden(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<golden_options>();
  CLI::App* const sub =
      app.add_subcommand("golden", "Keeps expected outputs on file, and verifies them.");
  sub->require_subcommand(0, 1);
  sub->callback([sub] {
    if (sub->get_subcommands().empty())
      throw bad_input("assay golden needs one of: update, diff, accept, reject, verify, show");
  });
  sub->footer(
      "Examples:\n  assay golden verify\n  assay golden update\n  assay golden diff\n"
      "  assay golden diff HEAD~1 --markdown\n"
      "  assay golden accept gelu --reason 'the tanh form has its constant from the paper'\n"
      "  git config diff.assay-golden.textconv 'build/assay golden show'");
  const auto add = [&](const char* name, const char* about) {
    CLI::App* const added = sub->add_subcommand(name, about);
    if (name != std::string("show"))
      added->add_option("--folder", chosen->folder, "of the goldens")->capture_default_str();
    return added;
  };
  const auto add_running = [&](CLI::App* to) {
    to->add_option("--jobs", chosen->jobs, "processes at a time; 0: one per core")
        ->check(whole_number(k_most_threads))
        ->capture_default_str();
    to->add_option("--time-limit", chosen->time_limit, "seconds a kernel may take")
        ->capture_default_str()
        ->check(seconds());
  };
  CLI::App* const updating =
      add("update", "Makes NAME.new.safetensors of what is not as accepted.");
  updating->add_option("NAME", chosen->names, "components; all otherwise");
  updating->callback([=, &common, &status] { status = update(*chosen, common); });

  CLI::App* const comparing =
      add("diff", "Tells what changed: accepted against waiting, or a commit against accepted.");
  comparing->add_option("REV", chosen->revision, "a commit");
  comparing->add_option("--only", chosen->names, "component; all otherwise")
      ->type_name("NAME")
      ->allow_extra_args(false);
  comparing->add_flag("--markdown", chosen->as_markdown, "as a table in Markdown");
  add_running(comparing);
  comparing->callback([=, &common, &status] { status = diff(*chosen, common); });

  CLI::App* const accepting = add("accept", "Makes what waits the accepted golden. Never in CI.");
  accepting->add_option("NAME", chosen->names, "component")->required()->expected(1);
  accepting->add_option("--reason", chosen->reason, "why it changed; kept in the file")
      ->required()
      ->type_name("TEXT");
  accepting->callback([=, &status] { status = accept(*chosen); });

  CLI::App* const rejecting = add("reject", "Deletes what waits.");
  rejecting->add_option("NAME", chosen->names, "component")->required()->expected(1);
  rejecting->callback([=, &status] { status = reject(*chosen); });

  CLI::App* const verifying =
      add("verify", "Holds the goldens against the reference and all kernels.");
  verifying->add_option("NAME", chosen->names, "components; all otherwise");
  add_running(verifying);
  verifying->callback([=, &common, &status] { status = verify(*chosen, common); });

  CLI::App* const showing = add("show", "Prints a golden as text, for git diff.");
  showing->add_option("FILE", chosen->file, "safetensors file")->required();
  showing->callback([=, &status] { status = show(*chosen); });
}

}  // namespace assay::tools
