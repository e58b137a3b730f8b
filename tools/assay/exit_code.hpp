// What the command's exit status means.
#pragma once

namespace assay::tools {

enum exit_code : int {
  k_good = 0,
  k_wrong = 1,           // a wrong result, or a sanitizer's finding
  k_bad_input = 2,       // usage, an id, a file
  k_slower = 3,          // than before, and not waived
  k_golden_pending = 4,  // a golden waits to be accepted, or changed
  k_ambiguous = 5,       // whether it is slower, where that was asked for
  k_crashed = 6,         // a kernel crashed or hung
  k_internal = 70,
  k_device_absent = 77,  // a required device is not there
  k_interrupted = 130,
};

}  // namespace assay::tools
