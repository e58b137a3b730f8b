// simt_benchmark [--smoke | ROUNDS]: CPU seconds of the emulator's builds on three kernels, one
// worker. Exit code 1 where a sanitizer has a finding, or where the builds compute different bits
// (--smoke).
#include "optimized/simt/benchmark/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

using namespace assay::simt;

struct benchmark {
  const char* name;
  measurement (*run)(const benchmarks& build);
};

// All of the plain build, then all of the sanitized one, which checks more and does less.
constexpr benchmark k_plain[] = {
    {"gelu 2^24", [](const benchmarks& b) { return b.gelu(1 << 24); }},
    {"softmax 512x1024", [](const benchmarks& b) { return b.softmax(512, 1024); }},
    {"softmax 64x50257", [](const benchmarks& b) { return b.softmax(64, 50257); }},
    {"attention 12x1024x64", [](const benchmarks& b) { return b.attention(12, 1024); }},
};
constexpr benchmark k_sanitized[] = {
    {"gelu 2^20", [](const benchmarks& b) { return b.gelu(1 << 20); }},
    {"softmax 64x1024", [](const benchmarks& b) { return b.softmax(64, 1024); }},
    {"softmax 8x50257", [](const benchmarks& b) { return b.softmax(8, 50257); }},
    {"attention 12x1024x64", [](const benchmarks& b) { return b.attention(12, 1024); }},
};
constexpr benchmark k_smoke[] = {
    {"gelu 2^12", [](const benchmarks& b) { return b.gelu(1 << 12); }},
    {"softmax 2x1000", [](const benchmarks& b) { return b.softmax(2, 1000); }},
    {"attention 1x128x64", [](const benchmarks& b) { return b.attention(1, 128); }},
};

// Prints the best and the median of ROUNDS; returns the last, with the findings of all.
measurement measure(const char* build_name, const benchmarks& build, const benchmark& what,
                    int rounds) {
  std::vector<double> seconds;
  measurement last;
  std::size_t findings = 0;
  for (int i = 0; i < rounds; ++i) {
    last = what.run(build);
    seconds.push_back(last.seconds);
    findings += last.findings;
  }
  last.findings = findings;
  std::sort(seconds.begin(), seconds.end());
  fmt::print("{:<9} {:<22} best {:8.4f} s   median {:8.4f} s\n", build_name, what.name,
             seconds.front(), seconds[seconds.size() / 2]);
  std::fflush(stdout);
  return last;
}

// The builds must compute the same, and the sanitizers must have nothing to say.
bool smoke() {
  bool good = true;
  for (const benchmark& what : k_smoke) {
    const measurement plain = measure("plain", plain_benchmarks(), what, 1);
    const measurement sanitized = measure("sanitized", sanitized_benchmarks(), what, 1);
    if (plain.output != sanitized.output) {
      fmt::print(stderr, "{}: the builds' outputs differ: hash {:08x} plain, {:08x} sanitized\n",
                 what.name, plain.output, sanitized.output);
      good = false;
    }
    good = good && plain.findings + sanitized.findings == 0;
  }
  return good;
}

bool measure_all(int rounds) {
  std::size_t findings = 0;
  for (const benchmark& what : k_plain) {
    findings += measure("plain", plain_benchmarks(), what, rounds).findings;
  }
  for (const benchmark& what : k_sanitized) {
    findings += measure("sanitized", sanitized_benchmarks(), what, rounds).findings;
  }
  return findings == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--smoke") return smoke() ? 0 : 1;
  const int rounds = argc == 2 ? std::atoi(argv[1]) : 5;
  if (rounds < 1 || argc > 2) {
    std::fputs("usage: simt_benchmark [--smoke | ROUNDS]\n", stderr);
    return 2;
  }
  return measure_all(rounds) ? 0 : 1;
}
