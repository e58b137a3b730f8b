#include "optimized/simt/emulator/assert.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

namespace assay::simt {
namespace {

constinit std::array<assertion_handler::function, 2>
    g_handlers{};  // the plain and sanitized builds'

}  // namespace

assertion_handler::assertion_handler(function handle) {
  for (auto& slot : g_handlers) {
    if (slot == nullptr) {
      slot = handle;
      return;
    }
  }
}

}  // namespace assay::simt

extern "C" [[noreturn]] void __assert_fail(const char* assertion, const char* file, unsigned line,
                                           const char* function) noexcept {
  for (const auto handle : assay::simt::g_handlers) {
    if (handle != nullptr) handle(assertion, file, line);
  }
  std::fprintf(stderr, "%s:%u: %s: Assertion `%s' failed.\n", file, line, function, assertion);
  std::abort();
}
