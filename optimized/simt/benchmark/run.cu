#include "optimized/device.cuh"
#include "optimized/simt/benchmark/attention.cuh"
#include "optimized/simt/benchmark/kernels.cuh"
#include "optimized/simt/benchmark/run.hpp"

#include <cstdio>
#include <ctime>
#include <random>
#include <vector>

namespace assay::simt {
namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<float> normal(std::size_t n, unsigned seed, float scale) {
  std::mt19937 random(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(n);
  for (float& v : values) v = scale * distribution(random);
  return values;
}

std::vector<bf16> normal_bf16(std::size_t n, unsigned seed) {
  std::vector<bf16> values;
  for (const float v : normal(n, seed, 1)) values.push_back(to_bf16(v));
  return values;
}

// FNV-1a, over 32-bit patterns.
std::uint32_t hash_of(const std::vector<float>& values) {
  std::uint32_t hash = 2166136261u;
  for (const float v : values) hash = (hash ^ bits_of(v)) * 16777619u;
  return hash;
}

template <class Launch>
measurement measured(const optimized::buffer<float>& output, Launch launch_on) {
  const optimized::device where = output.where();
  optimized::stream turn(where);
  turn.emulation().workers = 1;
  launch_on(turn);
  const double start = cpu_seconds();
  turn.synchronize();
  measurement result{.seconds = cpu_seconds() - start};
  const std::vector<finding> findings = where.place().take_findings();
  for (const finding& found : findings) std::fprintf(stderr, "%s\n", to_string(found).c_str());
  where.place().take_counters();
  result.findings = findings.size();
  result.output = hash_of(output.to_vector());
  return result;
}

measurement run_gelu(int n) {
  const optimized::device where(this_backend());
  const optimized::buffer<float> x(where, normal(static_cast<std::size_t>(n), 1, 2), "x");
  optimized::buffer<float> y(where, x.size(), "y");
  y.fill_bytes(std::byte{0});  // its pages are there before the clock runs
  return measured(y, [&](queue& turn) {
    launch(gelu_erf, dim3(static_cast<unsigned>(n + 255) / 256), dim3(256), 0, turn, bind(x),
           bind(y), n);
  });
}

measurement run_softmax(int rows, int columns) {
  const optimized::device where(this_backend());
  const std::size_t n = static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
  const optimized::buffer<float> x(where, normal(n, 2, 3), "x");
  optimized::buffer<float> y(where, n, "y");
  return measured(y, [&](queue& turn) {
    launch(softmax_three_pass, dim3(static_cast<unsigned>(rows)), dim3(k_softmax_threads), 0, turn,
           bind(x), bind(y), columns);
  });
}

measurement run_attention(int heads, int length) {
  const optimized::device where(this_backend());
  const std::size_t n = static_cast<std::size_t>(heads) * static_cast<std::size_t>(length) * k_tile;
  const optimized::buffer<bf16> q(where, normal_bf16(n, 3), "q"), k(where, normal_bf16(n, 4), "k"),
      v(where, normal_bf16(n, 5), "v");
  optimized::buffer<float> o(where, n, "o");
  return measured(o, [&](queue& turn) {
    launch(attention_causal,
           dim3(static_cast<unsigned>(length / k_tile), static_cast<unsigned>(heads)),
           dim3(k_attention_threads), k_attention_shared, turn, bind(q), bind(k), bind(v), bind(o),
           length, 0.125f * 1.4426950408889634f);
  });
}

constexpr benchmarks k_benchmarks{run_gelu, run_softmax, run_attention};

}  // namespace

#if defined(ASSAY_SANITIZED)
const benchmarks& sanitized_benchmarks() { return k_benchmarks; }
#else
const benchmarks& plain_benchmarks() { return k_benchmarks; }
#endif

}  // namespace assay::simt
