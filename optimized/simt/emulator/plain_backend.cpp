#include "optimized/simt/emulator/emulator.hpp"

namespace assay::simt {

backend& plain_emulator() {
  static emulator plain("emulator", build::plain);
  return plain;
}

}  // namespace assay::simt
