// assay exhaustive: an element-wise function on every input there is.

#include "properties/exhaustive.hpp"

#include "optimized/simt/error.hpp"
#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "properties/nearest.hpp"
#include "tools/assay/command.hpp"
#include "tools/assay/exit_code.hpp"
#include "tools/assay/options.hpp"
#include "tools/assay/running.hpp"
#include "tools/assay/selection.hpp"
#include "tools/assay/terminal.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <xxhash.h>

#include <unistd.h>
#include <charconv>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <memory>

namespace assay::tools {
namespace {

using namespace properties;
using nlohmann::json;

// A chunk takes seconds at most: a kernel that takes minutes hangs.
constexpr unsigned k_chunk_seconds = 300;

struct exhaustive_options {
  std::string pattern, type, implementation, on = "emulator", shard = "0/1",
                                             state = "assay-exhaustive";
  unsigned threads = 0;
  bool fresh = false;
};

// "i/n"
std::pair<std::uint64_t, std::uint64_t> parse_shard(const std::string& text) {
  std::uint64_t i = 0, n = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, i);
  const bool slash = first.ec == std::errc() && first.ptr != end && *first.ptr == '/';
  const auto second = std::from_chars(slash ? first.ptr + 1 : end, end, n);
  if (second.ec != std::errc() || second.ptr != end || n == 0 || n > 4096 || i >= n)
    throw bad_input("--shard takes i/n with 0 <= i < n <= 4096, not '{}'", text);
  return {i, n};
}

std::string position(double x) { return std::isnan(x) ? "-" : fmt::format("{:a}", x); }

void print_ranges(const exhaustive_sweep& sweep) {
  table all({"range of x", "inputs", "max ULP", "at", "misrounded", "of bound", "over"});
  const auto row = [&](const std::string& name, const range_summary& r) {
    all.add({name, fmt::format("{}", r.inputs), fmt::format("{:.4g}", r.worst_ulps),
             r.worst_ulps > 0 ? position(r.worst_ulps_at) : "-", fmt::format("{}", r.misrounded),
             fmt::format("{:.3f}", r.worst_fraction), fmt::format("{}", r.over)},
            r.over ? tone::bad : tone::plain);
  };
  for (const range_summary& r : sweep.ranges())
    if (r.inputs > 0)
      row(std::isnan(r.low) ? "NaN" : fmt::format("[{:g}, {:g})", r.low, r.high), r);
  row("all", sweep.total());
  fmt::print("{}", all.text());
  if (const std::int64_t outside = sweep.total().outside; outside > 0)
    fmt::print(
        "{} inputs lie outside the implementation's declared domain; {} of their results are no "
        "number where the truth is one\n",
        outside, sweep.total().lost);
}

json told(const exhaustive_plan& plan, const exhaustive_sweep& sweep, double seconds,
          const std::string& contradiction) {
  const range_summary all = sweep.total();
  return {{"function", plan.of->function()},
          {"implementation", plan.by->name},
          {"dtype", name_of(plan.type)},
          {"backend", plan.backend},
          {"complete", sweep.done() == sweep.chunks()},
          {"inputs", all.inputs},
          {"max_ulps", fmt::format("{:.6g}", all.worst_ulps)},
          {"max_ulps_at", position(all.worst_ulps_at)},
          {"misrounded", all.misrounded},
          {"over", all.over},
          {"outside", all.outside},
          {"seconds", seconds},
          {"contradiction", contradiction},
          {"state", sweep.state()}};
}

// A hash of this program: figures of two builds do not add up to one sweep.
std::string this_program() {
  const std::string bytes = read_file("/proc/self/exe", std::size_t(1) << 32);
  return fmt::format("{:016x}", XXH3_64bits(bytes.data(), bytes.size()));
}

// Where a sweep is kept until the command that began it is through with all of its sweeps.
class kept_state {
 public:
  kept_state(const exhaustive_options& chosen, const exhaustive_plan& plan)
      : folder_(chosen.state), file_(fmt::format("{}/{}.json", chosen.state, plan.name())) {
    if (chosen.fresh) remove();
  }

  const std::string& file() const { return file_; }
  bool there() const {
    std::error_code error;
    return std::filesystem::exists(file_, error);
  }
  // Before hours of work, not after them.
  void make_folder() const {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) throw bad_input("{}: cannot be made: {}", folder_, error.message());
  }
  void save(const exhaustive_sweep& sweep) const {
    make_folder();
    write_file(file_, json{{"program", this_program()}, {"sweep", sweep.state()}}.dump(1));
  }
  void load_into(exhaustive_sweep& sweep) const {
    const json state = json::parse(read_file(file_, 1 << 20), nullptr, false);
    if (!state.is_object() || !state.contains("program") || !state.contains("sweep"))
      refuse("it is no state of an interrupted run");
    if (state.at("program") != this_program()) refuse("it is of another build of assay");
    try {
      sweep.resume(state.at("sweep"));
    } catch (const bad_input& wrong) {
      refuse(wrong.what());
    }
  }
  void remove() const {
    std::error_code error;
    std::filesystem::remove(file_, error);
    std::filesystem::remove(folder_, error);  // where it is empty
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw bad_input("{}: {}; --fresh begins anew", file_, why);
  }

  std::string folder_, file_;
};

// Runs one plan to its end or to an interrupt; returns whether it is complete.
bool advance_to_end(exhaustive_sweep& sweep, const exhaustive_plan& plan, const kept_state& kept) {
  const bool is_long = plan.type == dtype::fp32;
  progress shown(plan.name(), sweep.chunks());
  auto saved = std::chrono::steady_clock::now();
  while (sweep.done() < sweep.chunks() && !interrupted()) {
    alarm(k_chunk_seconds);
    sweep.advance();
    alarm(0);
    const auto now = std::chrono::steady_clock::now();
    if (is_long && now - saved > std::chrono::seconds(10)) {
      kept.save(sweep);
      saved = now;
    }
    const range_summary all = sweep.total();
    shown.show(sweep.done(), fmt::format("{:.4g} ULP, {} over", all.worst_ulps, all.over));
  }
  const bool complete = sweep.done() == sweep.chunks();
  if (is_long || !complete) kept.save(sweep);
  return complete;
}

int sweep_one(const exhaustive_plan& plan, const kept_state& kept, const common_options& common,
              json& all) {
  exhaustive_sweep sweep(plan);
  if (kept.there()) {
    kept.load_into(sweep);
    fmt::print(stderr, "goes on after {} of {} chunks ({})\n", sweep.done(), sweep.chunks(),
               kept.file());
  }
  if (plan.type == dtype::fp32) kept.make_folder();
  const auto begun = std::chrono::steady_clock::now();
  const bool complete = advance_to_end(sweep, plan, kept);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  const bool whole = complete && plan.shards == 1;
  const std::string contradiction = whole                    ? sweep.contradiction()
                                    : sweep.total().over > 0 ? "results are out of bound"
                                                             : "";
  if (common.json) {
    all.push_back(told(plan, sweep, seconds, contradiction));
  } else {
    fmt::print("{} {} {} on {}, {:.1f} s\n", plan.of->function(), plan.by->name, name_of(plan.type),
               plan.backend, seconds);
    print_ranges(sweep);
    if (!contradiction.empty()) fmt::print("{}\n", painted(tone::bad, contradiction));
    fmt::print("\n");
  }
  if (!complete) {
    fmt::print(stderr, "interrupted after {} of {} chunks; the same command goes on from {}\n",
               sweep.done(), sweep.chunks(), kept.file());
    return k_interrupted;
  }
  return contradiction.empty() ? k_good : k_wrong;
}

std::vector<exhaustive_plan> plans_of(const exhaustive_options& chosen) {
  const auto [shard, shards] = parse_shard(chosen.shard);
  const auto type = dtype_named(chosen.type);
  if (!type || *type == dtype::fp64 || is_integer(*type))
    throw bad_input("--dtype takes bf16, fp16 or fp32, not '{}'", chosen.type);
  std::vector<exhaustive_plan> plans;
  std::vector<std::string> names;
  for (const contract* c : select_contracts({chosen.pattern}))
    for (const implementation& by : c->implementations) {
      if (!c->elementwise) continue;
      names.push_back(by.name);
      if (chosen.implementation.empty() || by.name == chosen.implementation)
        plans.push_back({c, &by, *type, chosen.on, shard, shards, chosen.threads});
    }
  if (names.empty())
    throw bad_input("'{}' is not element-wise: it has no exhaustive run", chosen.pattern);
  if (plans.empty())
    throw bad_input("'{}' has no implementation '{}'; {}", chosen.pattern, chosen.implementation,
                    suggestion(chosen.implementation, names));
  return plans;
}

int exhaustive(const exhaustive_options& chosen, const common_options& common) {
  watch_interrupts();
  int status = k_good;
  json all = json::array();
  std::vector<kept_state> kept;
  for (const exhaustive_plan& plan : plans_of(chosen)) {
    kept.emplace_back(chosen, plan);
    end_on_crash_or_alarm_of(plan.name());
    const int ended = sweep_one(plan, kept.back(), common, all);
    if (ended != k_good) status = ended;
    if (ended == k_interrupted) break;
  }
  if (common.json) fmt::print("{}\n", all.dump(1));
  if (status != k_interrupted)
    for (const kept_state& each : kept) each.remove();
  return status;
}

}  // namespace

void add_exhaustive(CLI::App& app, const common_options& common, int& status) {
  auto chosen = std::make_shared<exhaustive_options>();
  CLI::App* const sub =
      app.add_subcommand("exhaustive", "Judges element-wise functions on every input of a dtype.");
  sub->add_option("PATTERN", chosen->pattern, "part of a function's name, such as gelu.erf.fwd")
      ->required();
  sub->add_option("--dtype", chosen->type, "bf16, fp16 (2^16 inputs) or fp32 (2^32)")
      ->required()
      ->type_name("DTYPE");
  sub->add_option("--impl", chosen->implementation, "one implementation; all of them otherwise")
      ->type_name("NAME");
  sub->add_option("--on", chosen->on, "emulator or cuda")->capture_default_str();
  sub->add_option("--shard", chosen->shard, "part i of n, for several machines")
      ->type_name("i/n")
      ->capture_default_str();
  sub->add_option("--threads", chosen->threads, "0: one per core")
      ->capture_default_str()
      ->check(whole_number(k_most_threads));
  sub->add_option("--state", chosen->state, "folder in which an interrupted run is kept")
      ->capture_default_str();
  sub->add_flag("--fresh", chosen->fresh, "begins anew although an interrupted run is kept");
  sub->footer(
      "Examples:\n  assay exhaustive gelu --dtype bf16\n  assay exhaustive gelu.erf.fwd --dtype "
      "fp32 --impl fused\n"
      "  assay exhaustive silu.plain.bwd --dtype fp32 --shard 3/16 --json");
  sub->callback([chosen, &common, &status] {
    if (chosen->on == "cuda" && !cuda_is_there()) {
      status = k_device_absent;
      return;
    }
    try {
      status = exhaustive(*chosen, common);
    } catch (const simt::error& problem) {
      complain(problem.what());
      status = k_crashed;
    }
  });
}

}  // namespace assay::tools
