// gpt2 time: where the time of a pass goes.

#include "bench/rank_test.hpp"
#include "properties/bad_input.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/terminal.hpp"
#include "tools/gpt2/command.hpp"
#include "tools/gpt2/engine_options.hpp"
#include "tools/gpt2/kernel_engine.hpp"
#include "tools/gpt2/pass_time.hpp"
#include "tools/gpt2/pass_turns.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>

namespace assay::gpt2 {
namespace {

struct time_options {
  std::string folder, pass = "forward", out;
  std::int64_t batch = 1, length = 0, rounds = 7;
  bool every = false, by_turns = false;
  engine_options by{.on = "emulator"};

  std::int64_t tokens() const { return pass == "decode" ? batch : batch * length; }
};

executor executor_of(const time_options& chosen, const model& of) {
  const execution how = execution_of(chosen.by);
  if (chosen.pass == "decode")
    return loaded_to_decode(of, chosen.batch, chosen.length, chosen.by.type, how);
  reference::token_batch tokens{{}, chosen.length};
  std::vector<std::int64_t> targets;
  for (std::int64_t i = 0; i < chosen.batch * chosen.length; ++i) {
    tokens.ids.push_back(i % of.config.vocabulary);
    targets.push_back((i + 1) % of.config.vocabulary);
  }
  if (chosen.pass == "step")  // of a rate of 0, so that the next pass meets the same parameters
    return loaded_to_step(of, tokens, targets, chosen.by.type, {}, how);
  return loaded(of, tokens, targets, chosen.pass == "backward", chosen.by.type, how);
}

// Of operations taken together.
struct shared_time {
  std::string function, implementation;
  std::int64_t calls = 0;
  double seconds = 0;
  std::optional<properties::cost> work = properties::cost{};  // nothing where one's is not known

  void add(const timed_operation& of) {
    ++calls;
    seconds += bench::median(of.seconds);
    if (!of.work) work.reset();
    if (work) work->bytes += of.work->bytes, work->flops += of.work->flops;
  }
};

// By function and kernel, what takes longest first.
std::vector<shared_time> together(const pass_times& all) {
  std::vector<shared_time> some;
  for (const timed_operation& each : all.operations) {
    auto at = std::find_if(some.begin(), some.end(), [&](const shared_time& one) {
      return one.function == each.function && one.implementation == each.implementation;
    });
    if (at == some.end())
      at = some.insert(some.end(), shared_time{each.function, each.implementation});
    at->add(each);
  }
  std::stable_sort(some.begin(), some.end(), [](const shared_time& a, const shared_time& b) {
    return a.seconds > b.seconds;
  });
  return some;
}

std::vector<std::string> row_of(std::string name, const shared_time& of, double whole) {
  const auto rate = [&](double amount) { return fmt::format("{:.3g}", amount / of.seconds / 1e9); };
  return {std::move(name),
          of.function,
          of.implementation,
          fmt::format("{}", of.calls),
          fmt::format("{:.1f}", of.seconds * 1e6),
          fmt::format("{:.1f} %", 100 * of.seconds / whole),
          of.work ? rate(of.work->bytes) : "",
          of.work ? rate(of.work->flops) : ""};
}

void print_table(const time_options& chosen, const pass_times& all) {
  const double whole = bench::median(all.whole);
  tools::table shown({"", "function", "kernel", "calls", "us", "of the pass", "GB/s", "GFLOP/s"});
  double sum = 0;
  for (const shared_time& each : together(all)) {
    sum += each.seconds;
    if (!chosen.every) shown.add(row_of("", each, whole));
  }
  if (chosen.every)
    for (const timed_operation& each : all.operations) {
      shared_time one{each.function, each.implementation};
      one.add(each);
      shown.add(row_of(each.name, one, whole));
    }
  const auto [least, most] = std::minmax_element(all.whole.begin(), all.whole.end());
  fmt::print(
      "{}\n{} pass, on {}, {}: {:.1f} us ({:.1f} to {:.1f}), {:.4g} tokens a second; its "
      "operations one by one: {:.1f} % of that; replayed as a graph: {:.1f} %\n",
      shown.text(), chosen.pass, chosen.by.on, name_of(chosen.by.type), whole * 1e6, *least * 1e6,
      *most * 1e6, double(chosen.tokens()) / whole, 100 * sum / whole,
      100 * bench::median(all.replayed) / whole);
}

nlohmann::json about(const time_options& chosen) {
  return {{"pass", chosen.pass},   {"on", chosen.by.on},      {"dtype", name_of(chosen.by.type)},
          {"batch", chosen.batch}, {"length", chosen.length}, {"tokens", chosen.tokens()}};
}

void print_json(const time_options& chosen, const pass_times& all) {
  nlohmann::json operations = nlohmann::json::array();
  for (const timed_operation& each : all.operations) {
    nlohmann::json one = {{"operation", each.name},
                          {"function", each.function},
                          {"implementation", each.implementation},
                          {"seconds", each.seconds}};
    if (each.work) one["bytes"] = each.work->bytes, one["flops"] = each.work->flops;
    operations.push_back(std::move(one));
  }
  nlohmann::json result = about(chosen);
  result["seconds"] = all.whole;
  result["graph_seconds"] = all.replayed;
  result["operations"] = std::move(operations);
  fmt::print("{}\n", result.dump());
}

// Ends, with a status, when all rounds are done or somebody interrupts.
int run_rounds(executor& by, const time_options& chosen, bool as_json) {
  tools::watch_interrupts();
  tools::progress shown("rounds", std::uint64_t(chosen.rounds));
  const pass_times all = timed(by, chosen.rounds, [&](std::int64_t done) {
    shown.show(std::uint64_t(done));
    return !tools::interrupted();
  });
  if (!all.whole.empty()) as_json ? print_json(chosen, all) : print_table(chosen, all);
  return tools::interrupted() ? tools::k_interrupted : tools::k_good;
}

int run_time(time_options chosen, const common_options& common) {
  if (chosen.by.on == "reference") throw bad_input("time is of kernels: --on emulator or cuda");
  if (chosen.by.sanitize) throw bad_input("--sanitize watches every access, which takes its time");
  model of = read_model(chosen.folder);
  if (chosen.length == 0) chosen.length = of.config.context;
  if (of.config.positions && chosen.length > of.config.context)
    throw bad_input("--length {} is more than the context of {}", chosen.length, of.config.context);
  round_parameters(of, chosen.by.type);
  executor by = executor_of(chosen, of);
  int status = tools::k_good;
  if (chosen.by_turns)
    take_turns(by, about(chosen), std::cin, std::cout);
  else
    status = run_rounds(by, chosen, common.json);
  if (!chosen.out.empty() && status == tools::k_good) write_outcome(by, chosen.out);
  return status;
}

}  // namespace

void add_time(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<time_options>();
  CLI::App* const sub = app.add_subcommand("time", "Where the time of a pass goes.");
  sub->add_option("FOLDER", chosen->folder, "config.json and model.safetensors")->required();
  sub->add_option("--pass", chosen->pass,
                  "forward; backward: that, the loss and the way back; step: that, and AdamW; "
                  "decode: one more token")
      ->check(CLI::IsMember({"forward", "backward", "step", "decode"}))
      ->capture_default_str();
  sub->add_option("--batch", chosen->batch, "sequences")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  sub->add_option("--length", chosen->length,
                  "their tokens, with the one that decode adds; the context if 0")
      ->check(CLI::NonNegativeNumber);
  CLI::Option* const rounds =
      sub->add_option("--rounds", chosen->rounds, "of which the medians are told")
          ->check(CLI::PositiveNumber)
          ->capture_default_str();
  CLI::Option* const every =
      sub->add_flag("--every", chosen->every, "a line for every operation, not for every kernel");
  sub->add_flag("--by-turns", chosen->by_turns,
                "by turns with another program: the whole pass, for every line of standard input")
      ->excludes(rounds)
      ->excludes(every);
  sub->add_option("--out", chosen->out,
                  "safetensors file for what the last pass gave: logits of the last tokens, or "
                  "loss, gradients and their norm")
      ->type_name("FILE");
  add_engine_options(*sub, chosen->by);
  sub->footer(
      "Bytes and FLOPs are those that cannot be less, where shapes alone decide them.\n"
      "On the emulator the time is the host's, and says nothing of a GPU.");
  sub->callback([chosen, &common, &status] { status = run_time(*chosen, common); });
}

}  // namespace assay::gpt2
