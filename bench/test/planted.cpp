// A program on Google Benchmark whose work is longer by a factor that its command line names: what
// the regression rule's power is measured with (bench/README.md). Half of its benchmarks compute,
// half wait for memory; times are CPU seconds, as assay_bench's on the emulator.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

double compute(std::size_t steps) {
  double x = 0.5;
  for (std::size_t i = 0; i < steps; ++i) x = std::sqrt(x + 1.0 / (1.0 + x));
  return x;
}

// A random cycle through `cells`, so that every step waits for the one before.
std::vector<std::size_t> cycle(std::size_t cells) {
  std::vector<std::size_t> order(cells), next(cells);
  std::iota(order.begin(), order.end(), std::size_t(0));
  std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  for (std::size_t i = 0; i < cells; ++i) next[order[i]] = order[(i + 1) % cells];
  return next;
}

template <class Work>
void timed(benchmark::State& state, Work work) {
  for (auto _ : state) {  // NOLINT(clang-analyzer-deadcode.DeadStores)
    const double before = cpu_seconds();
    benchmark::DoNotOptimize(work());
    state.SetIterationTime(cpu_seconds() - before);
  }
}

}  // namespace

int main(int argc, char** argv) {
  double slower = 1;
  if (argc > 1 && std::string(argv[1]).rfind("--slower=", 0) == 0) {
    slower = std::atof(argv[1] + 9);
    std::swap(argv[1], argv[0]);  // Google Benchmark takes what follows
    ++argv, --argc;
  }
  benchmark::Initialize(&argc, argv);
  for (const std::size_t steps : {20000, 30000, 40000, 50000, 60000}) {
    const auto mine = std::size_t(double(steps) * slower);
    benchmark::RegisterBenchmark(
        ("compute/" + std::to_string(steps)).c_str(),
        [mine](benchmark::State& state) { timed(state, [mine] { return compute(mine); }); })
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  }
  for (const std::size_t cells : {1000, 4000, 16000, 64000, 100000}) {
    const auto steps = std::size_t(100000 * slower);
    benchmark::RegisterBenchmark(("memory/" + std::to_string(cells)).c_str(),
                                 [cells, steps](benchmark::State& state) {
                                   const std::vector<std::size_t> next = cycle(cells);
                                   timed(state, [&] {
                                     std::size_t at = 0;
                                     for (std::size_t i = 0; i < steps; ++i) at = next[at];
                                     return at;
                                   });
                                 })
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  }
  benchmark::RunSpecifiedBenchmarks();
}
