// Prints, for every finite input of a 16-bit type, the interval whose numbers round to the correct
// result.
//
//   rounding_intervals FUNCTION bf16|fp16
//
// A line each: input, lower tie, upper tie, truth. For intervals.py.
#include "exact.hpp"

#include <cstdio>
#include <cstring>

int main(int argc, char** argv) {
  using namespace derive;
  const function* f = nullptr;
  for (const function& each : functions())
    if (argc == 3 && each.name == argv[1]) f = &each;
  if (!f) return std::fprintf(stderr, "rounding_intervals: FUNCTION bf16|fp16\n"), 2;
  const format type = std::strcmp(argv[2], "bf16") == 0 ? k_bf16 : k_fp16;
  for (std::uint32_t bits = 0; bits < 1u << 16; ++bits) {
    const double x = value_of(type, bits);
    if (!std::isfinite(x)) continue;
    const exact_result e = exact(*f, type, x);
    if (!std::isfinite(e.correct)) continue;
    const double r = e.correct, up = unit(type, r) / 2;
    // Towards 0, the spacing below a power of two is half of that above it.
    int exponent = 0;
    const bool power =
        std::frexp(std::fabs(r), &exponent) == 0.5 && exponent - 1 > type.min_exponent;
    const double down = power ? up / 2 : up;
    std::printf("%.17g %.17g %.17g %.17g\n", x, r > 0 ? r - down : r - up,
                r > 0 ? r + up : r + down, e.truth);
  }
}
