// The one exception of the execution layer: what is wrong, where, and what was expected instead.
#pragma once

#include <stdexcept>
#include <string>

namespace assay::simt {

class error : public std::runtime_error {
 public:
  // "WHERE: WHAT" or "WHERE: WHAT; expected EXPECTED".
  error(const std::string& where, const std::string& what, const std::string& expected = {})
      : std::runtime_error(where + ": " + what +
                           (expected.empty() ? std::string() : "; expected " + expected)) {}
};

}  // namespace assay::simt
