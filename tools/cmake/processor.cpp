// A processor without the instructions that assay is built for gets one clear line, not an illegal
// instruction somewhere. So this file alone is compiled for any x86-64 (flags.cmake), and its check
// runs before every other initializer, which may use them already.

#include <unistd.h>
#include <cstring>

// What assay_flags makes every program ask for, so that the linker takes this file along.
extern "C" const int assay_processor_check;
const int assay_processor_check = 1;

#if defined(__x86_64__)
namespace {

constexpr int k_bad_input = 2;  // tools/assay/exit_code.hpp

[[gnu::constructor(101)]] void require_processor() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2") &&
      __builtin_cpu_supports("bmi2"))
    return;
  const char* const line =
      "assay: this processor has no fused multiply-add; assay needs x86-64-v3 (2013) or aarch64\n";
  (void)!write(STDERR_FILENO, line, std::strlen(line));
  _exit(k_bad_input);
}

}  // namespace
#endif
