// Device asserts. A failed assert in a kernel must stop that kernel, not the process: this library
// defines __assert_fail, which the assert macro of the C library calls, and passes failures that no
// handler claims on to the usual end.
#pragma once

namespace assay::simt {

// Registers, for as long as the program runs, a function that does not return if the failure is
// that of a kernel it knows.
class assertion_handler {
 public:
  using function = void (*)(const char* assertion, const char* file, unsigned line);
  explicit assertion_handler(function handle);
};

}  // namespace assay::simt
