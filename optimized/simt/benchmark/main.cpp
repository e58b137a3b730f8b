// simt_benchmark [--smoke | ROUNDS]: CPU seconds of the emulator's builds on three kernels, one worker.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "optimized/simt/benchmark/run.hpp"

namespace {

using namespace assay::simt;

struct measured {
  const char* name;
  double (*seconds)();
};

constexpr measured k_cases[] = {
    {"plain gelu 2^24", [] { return plain_benchmarks().gelu(1 << 24); }},
    {"plain softmax 512x1024", [] { return plain_benchmarks().softmax(512, 1024); }},
    {"plain softmax 64x50257", [] { return plain_benchmarks().softmax(64, 50257); }},
    {"plain attention 12x1024x64", [] { return plain_benchmarks().attention(12, 1024); }},
    {"sanitized gelu 2^20", [] { return sanitized_benchmarks().gelu(1 << 20); }},
    {"sanitized softmax 64x1024", [] { return sanitized_benchmarks().softmax(64, 1024); }},
    {"sanitized softmax 8x50257", [] { return sanitized_benchmarks().softmax(8, 50257); }},
    {"sanitized attention 12x1024x64", [] { return sanitized_benchmarks().attention(12, 1024); }},
};

constexpr measured k_smoke[] = {
    {"plain gelu 2^12", [] { return plain_benchmarks().gelu(1 << 12); }},
    {"plain softmax 2x1000", [] { return plain_benchmarks().softmax(2, 1000); }},
    {"plain attention 1x128x64", [] { return plain_benchmarks().attention(1, 128); }},
    {"sanitized gelu 2^12", [] { return sanitized_benchmarks().gelu(1 << 12); }},
    {"sanitized softmax 2x1000", [] { return sanitized_benchmarks().softmax(2, 1000); }},
    {"sanitized attention 1x128x64", [] { return sanitized_benchmarks().attention(1, 128); }},
};

void measure(const measured& m, int rounds) {
  std::vector<double> seconds;
  for (int i = 0; i < rounds; ++i) seconds.push_back(m.seconds());
  std::sort(seconds.begin(), seconds.end());
  fmt::print("{:<32} best {:8.4f} s   median {:8.4f} s\n", m.name, seconds.front(),
             seconds[seconds.size() / 2]);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--smoke") {
    for (const measured& m : k_smoke) measure(m, 1);
    return 0;
  }
  const int rounds = argc == 2 ? std::atoi(argv[1]) : 5;
  if (rounds < 1 || argc > 2) {
    std::fputs("usage: simt_benchmark [--smoke | ROUNDS]\n", stderr);
    return 2;
  }
  for (const measured& m : k_cases) measure(m, rounds);
  return 0;
}
