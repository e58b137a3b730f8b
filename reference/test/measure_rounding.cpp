// What correct rounding to fp32 costs: nanoseconds an input, and how often double does not decide,
// on one of every 1024 of all 2^32 inputs, i * 1024 + i % 1021: the low bits vary too.

#include "reference/gelu.hpp"
#include "reference/mish.hpp"
#include "reference/relu.hpp"
#include "reference/silu.hpp"
#include "reference/test/support.hpp"

#include <chrono>
#include <cstdio>
#include <vector>

namespace {

using namespace assay::reference;

struct sample {
  std::vector<double> nontrivial;  // 2^-26 <= |x|, -14.4 < x < 5.4: one input in nine
  std::vector<double> other;
};

sample every_1024th() {
  sample result;
  for (std::uint64_t i = 0; i < (std::uint64_t(1) << 22); ++i) {
    const double x = decode(k_fp32, i * 1024 + i % 1021);
    const bool nontrivial = std::abs(x) >= 0x1p-26 && -14.4 < x && x < 5.4;
    (nontrivial ? result.nontrivial : result.other).push_back(x);
  }
  return result;
}

// Nanoseconds an input, best of three passes: other processes only ever add to it.
template <class Rounding>
double nanoseconds(const std::vector<double>& inputs, Rounding rounding) {
  double best = k_infinity;
  double sum = 0;
  for (int pass = 0; pass < 3; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    for (const double x : inputs) sum += rounding(x);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count() / double(inputs.size()));
  }
  if (sum == 0x1p-1000) std::puts("");  // or the compiler would leave the work out
  return best;
}

}  // namespace

int main() {
  const sample inputs = every_1024th();
  std::printf("%zu inputs nontrivial, %zu other\n", inputs.nontrivial.size(), inputs.other.size());
  std::printf("%-22s %12s %12s %12s %10s\n", "", "nontrivial", "other", "truth_of", "fallbacks");
  for (const auto& f :
       {k_relu, k_gelu_erf, k_gelu_erf_derivative, k_gelu_tanh, k_gelu_tanh_derivative, k_silu,
        k_silu_derivative, k_mish, k_mish_derivative}) {
    const auto rounded = [&](double x) { return correctly_rounded(f, k_fp32, x); };
    const auto truth = [&](double x) { return truth_of(f, k_fp32, x).value; };
    int fallbacks = 0;
    for (const auto* part : {&inputs.nontrivial, &inputs.other}) {
      for (const double x : *part) fallbacks += !round_if_certain(k_fp32, f.enclose(x, 0, 1));
    }
    std::printf("%-22s %9.1f ns %9.1f ns %9.1f ns %10d\n", f.name.data(),
                nanoseconds(inputs.nontrivial, rounded), nanoseconds(inputs.other, rounded),
                nanoseconds(inputs.nontrivial, truth), fallbacks);
  }
  return 0;
}
