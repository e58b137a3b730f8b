#include "bench/suite.hpp"

#include "bench/roof.hpp"
#include "bench/timed_case.hpp"
#include "optimized/launcher.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <string>

namespace assay::bench {
namespace {

// Four times and more the second-level cache of the GPUs that kernels are built for (H200: 60 MB).
constexpr std::size_t k_rotation_on_cuda = std::size_t(1) << 28;
constexpr std::int64_t k_elements_on_cuda = std::int64_t(1) << 26;
constexpr std::int64_t k_elements_on_emulator = std::int64_t(1) << 16;
constexpr std::int64_t k_elements_of_reference = 4096;
constexpr int k_rounds_on_cuda = 30;  // samples; Google Benchmark's own choice elsewhere

bool g_all_right = true;

// A kernel that is wrong, or cannot run, has no time, and the program does not end well.
void fail(benchmark::State& state, const std::string& why) {
  g_all_right = false;
  state.SkipWithError(why.c_str());
}

// The memory's own copy, measured when the first benchmark asks.
double roof_of(const std::string& backend) {
  static const double k_host = host_copy_bandwidth();
  if (backend != "cuda") return k_host;
  static const double k_device = copy_bandwidth(*optimized::backend_of(simt::build::gpu));
  return k_device;
}

struct work {
  double bytes = 0, flops = 0, elements = 0;  // of all calls
};

// The figures beside a time. `roof`: bytes a second, or 0.
void report(benchmark::State& state, const work& done, double roof) {
  using benchmark::Counter;
  state.counters["bytes_per_second"] = Counter(done.bytes, Counter::kIsRate);
  state.counters["elements_per_second"] = Counter(done.elements, Counter::kIsRate);
  if (done.flops > 0) state.counters["flops_per_second"] = Counter(done.flops, Counter::kIsRate);
  if (roof <= 0) return;
  state.counters["fraction_of_copy"] = Counter(done.bytes / roof, Counter::kIsRate);
  state.counters["copy_bytes_per_second"] = Counter(roof);
}

// Google Benchmark calls a benchmark many times, with more iterations each time, and again for each
// repetition: it is staged once for all of them, and judged once.
struct staged_case {
  properties::run_id id;
  bool cold = false, judged = false;
  std::unique_ptr<timed_case> timed;
};
std::optional<staged_case> g_staged;  // run_suite() lets it go before the backends do

staged_case& staged(const properties::run_id& id, bool cold) {
  if (g_staged && g_staged->id == id && g_staged->cold == cold) return *g_staged;
  g_staged.reset();
  const std::size_t rotation = !cold                  ? 0
                               : id.backend == "cuda" ? k_rotation_on_cuda
                                                      : host_rotation_bytes();
  g_staged.emplace(staged_case{id, cold, false, std::make_unique<timed_case>(id, rotation)});
  g_staged->timed->run_round();  // the first touches memory and loads code
  return *g_staged;
}

void measure(benchmark::State& state, const properties::run_id& id, bool cold,
             const suite_options& options) {
  try {
    const double roof = cold && options.roofs ? roof_of(id.backend) : 0;
    staged_case& here = staged(id, cold);
    timed_case& timed = *here.timed;
    double seconds = 0;
    for (auto _ : state) {  // NOLINT(clang-analyzer-deadcode.DeadStores): Google Benchmark's loop
      const double round = timed.run_round();
      seconds += round;
      state.SetIterationTime(round);
    }
    if (const std::string wrong = here.judged || !options.judge ? "" : timed.wrong();
        !wrong.empty())
      return fail(state, wrong);
    here.judged = true;
    const double calls = double(timed.calls_a_round()) * double(state.iterations());
    const work done{timed.bytes_a_call() * calls, timed.flops_a_call() * calls,
                    double(timed.elements_a_call()) * calls};
    if (const std::string error = accounting_error(done.bytes / seconds, roof); !error.empty())
      return fail(state, error);
    report(state, done, roof);
  } catch (const std::exception& problem) {  // simt::error, bad_input, no memory
    fail(state, problem.what());
  }
}

void measure_reference(benchmark::State& state, const properties::case_id& id) {
  try {
    const properties::contract& c = properties::contract_of(id);
    const properties::case_inputs inputs = properties::make_inputs(c, id);
    for (auto _ : state) {  // NOLINT(clang-analyzer-deadcode.DeadStores)
      const double before = cpu_seconds();
      benchmark::DoNotOptimize(c.exact(inputs));
      state.SetIterationTime(cpu_seconds() - before);
    }
    const properties::cost cost = c.cost_of(id);
    const double calls = double(state.iterations());
    report(state,
           {cost.bytes * calls, cost.flops * calls, double(properties::elements_of(c, id)) * calls},
           0);
  } catch (const std::exception& problem) {
    fail(state, problem.what());
  }
}

// The contract's case of so many elements, or of one piece.
properties::case_id sized(const properties::contract& c, const std::vector<dtype>& types,
                          std::int64_t elements) {
  properties::case_id id = c.timed_case;
  id.shape.front().value =
      std::max<std::int64_t>(elements / properties::piece_elements_of(c, id), 1);
  for (std::size_t t = 0; t < types.size(); ++t) id.types[t].type = types[t];
  return id;
}

std::string name_for(const properties::contract& c, const std::string& by,
                     const std::vector<dtype>& types, const std::string& where, bool cold) {
  return c.function() + "/" + by + "/" + std::string(assay::name_of(types[0])) + "/" + where +
         (cold ? "/cold" : "/warm");
}

void enlist(const properties::contract& c, const properties::implementation& by,
            const std::vector<dtype>& types, const std::string& backend,
            const suite_options& options) {
  const std::int64_t otherwise = backend == "cuda" ? k_elements_on_cuda : k_elements_on_emulator;
  const properties::run_id id{sized(c, types, options.elements ? options.elements : otherwise),
                              by.name, backend, 0};
  if (by.declines && !by.declines(id.of).empty()) return;
  for (const bool cold : {true, false}) {
    if (!(cold ? options.cold : options.warm)) continue;
    auto* const registered = benchmark::RegisterBenchmark(
        name_for(c, by.name, types, backend, cold).c_str(),
        [id, cold, options](benchmark::State& state) { measure(state, id, cold, options); });
    registered->UseManualTime()->Unit(benchmark::kMicrosecond);
    if (backend == "cuda") registered->Iterations(k_rounds_on_cuda);
  }
}

void enlist_reference(const properties::contract& c, const std::vector<dtype>& types) {
  const properties::case_id id = sized(c, types, k_elements_of_reference);
  benchmark::RegisterBenchmark(name_for(c, "reference", types, "host", false).c_str(),
                               [id](benchmark::State& state) { measure_reference(state, id); })
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace

void register_suite(const suite_options& options) {
  const bool gpu = optimized::backend_of(simt::build::gpu) != nullptr;
  for (const properties::contract& c : properties::contracts())
    for (const std::vector<dtype>& types : c.signatures) {
      enlist_reference(c, types);
      for (const properties::implementation& by : c.implementations) {
        if (optimized::find_launcher(simt::build::plain, c.function(), by.name))
          enlist(c, by, types, "emulator", options);
        if (gpu && optimized::find_launcher(simt::build::gpu, c.function(), by.name))
          enlist(c, by, types, "cuda", options);
      }
    }
}

bool run_suite() {
  const bool any = benchmark::RunSpecifiedBenchmarks() > 0;
  g_staged.reset();
  return any && g_all_right;
}

}  // namespace assay::bench
