// Calls that a launcher must refuse, and what it says.
#pragma once

#include "optimized/launcher.hpp"

#include <functional>
#include <memory>
#include <string>

namespace assay::optimized {

// What the plain build's launcher says of a call.
inline std::string refusal(const launcher& by, const call& what) {
  const std::unique_ptr<simt::queue> stream = simt::plain_emulator().make_queue();
  try {
    by.launch(what, *stream);
  } catch (const simt::error& problem) {
    return problem.what();
  }
  return "nothing was refused";
}

// What is done to a good call, and the line that it then gets.
struct mistake {
  const char* message;
  std::function<void(call&)> make;
};

}  // namespace assay::optimized
