// assay_bench: every implementation of every contract on every backend at hand, with Google
// Benchmark. A name is FUNCTION/IMPLEMENTATION/DTYPE/BACKEND. Each figure stands beside the
// contract's bytes a second, and on a GPU beside their share of the device's own copy, measured in
// the same process.

#include "bench/roof.hpp"
#include "bench/timed_case.hpp"
#include "optimized/launcher.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <exception>
#include <string>

namespace assay::bench {
namespace {

// Four times and more the second-level cache of the GPUs that kernels are built for (H200: 60 MB).
constexpr std::size_t k_rotation_on_cuda = std::size_t(1) << 28;
constexpr std::int64_t k_elements_on_cuda = std::int64_t(1) << 26;
constexpr std::int64_t k_elements_on_emulator = std::int64_t(1) << 16;
constexpr int k_rounds_on_cuda = 30;  // samples; Google Benchmark's own choice elsewhere

struct roof {
  double bytes_a_second = 0;
};

bool g_all_right = true;

// A kernel that is wrong, or cannot run, has no time, and the program does not end well.
void fail(benchmark::State& state, const std::string& why) {
  g_all_right = false;
  state.SkipWithError(why.c_str());
}

void measure(benchmark::State& state, const properties::run_id& id, const roof& copy) {
  try {
    timed_case timed(id, id.backend == "cuda" ? k_rotation_on_cuda : 0);
    timed.run_round();    // the first touches memory and loads code
    for (auto _ : state)  // NOLINT(clang-analyzer-deadcode.DeadStores): Google Benchmark's loop
      state.SetIterationTime(timed.run_round());
    if (const std::string wrong = timed.wrong(); !wrong.empty()) return fail(state, wrong);
    const double calls = double(timed.copies()) * double(state.iterations());
    state.counters["bytes_per_second"] =
        benchmark::Counter(timed.bytes_a_call() * calls, benchmark::Counter::kIsRate);
    state.counters["elements_per_second"] =
        benchmark::Counter(double(timed.elements_a_call()) * calls, benchmark::Counter::kIsRate);
    if (copy.bytes_a_second > 0)
      state.counters["fraction_of_copy"] = benchmark::Counter(
          timed.bytes_a_call() * calls / copy.bytes_a_second, benchmark::Counter::kIsRate);
  } catch (const std::exception& problem) {  // simt::error, bad_input, no memory
    fail(state, problem.what());
  }
}

void enlist(const properties::contract& c, const properties::implementation& by,
            const std::vector<dtype>& types, const std::string& backend, const roof& copy) {
  properties::run_id id{c.timed_case, by.name, backend, 0};
  const std::int64_t elements = backend == "cuda" ? k_elements_on_cuda : k_elements_on_emulator;
  id.of.shape.front().value =
      std::max<std::int64_t>(elements / properties::piece_elements_of(c, id.of), 1);
  if (by.declines && !by.declines(id.of).empty()) return;
  for (std::size_t t = 0; t < types.size(); ++t) id.of.types[t].type = types[t];
  const std::string name =
      c.function() + "/" + by.name + "/" + std::string(name_of(types[0])) + "/" + backend;
  auto* const registered = benchmark::RegisterBenchmark(
      name.c_str(), [id, copy](benchmark::State& state) { measure(state, id, copy); });
  registered->UseManualTime()->Unit(benchmark::kMicrosecond);
  if (backend == "cuda") registered->Iterations(k_rounds_on_cuda);
}

void enlist_all(const std::string& backend, const roof& copy) {
  const simt::build build = backend == "cuda" ? simt::build::gpu : simt::build::plain;
  for (const properties::contract& c : properties::contracts())
    for (const properties::implementation& by : c.implementations)
      if (optimized::find_launcher(build, c.function(), by.name))
        for (const std::vector<dtype>& types : c.signatures) enlist(c, by, types, backend, copy);
}

}  // namespace
}  // namespace assay::bench

int main(int argc, char** argv) {
  using namespace assay;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  if (simt::backend* const gpu = optimized::backend_of(simt::build::gpu)) {
    const bench::roof copy{bench::copy_bandwidth(*gpu)};
    benchmark::AddCustomContext("device", gpu->name());
    benchmark::AddCustomContext("copy_bytes_per_second", std::to_string(copy.bytes_a_second));
    bench::enlist_all("cuda", copy);
  } else {
    benchmark::AddCustomContext("device", "none: cuda not run");
  }
  bench::enlist_all("emulator", {});
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return bench::g_all_right ? 0 : 1;
}
