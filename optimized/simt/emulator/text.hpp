// Places and coordinates as messages spell them.
#pragma once

#include <fmt/format.h>

#include <source_location>
#include <string>

namespace assay::simt {

inline std::string text_of(const std::source_location& where) {
  return fmt::format("{}:{}", where.file_name(), where.line());
}

template <class Coordinates>  // with x, y and z
std::string text_of(const Coordinates& at) {
  return fmt::format("({},{},{})", at.x, at.y, at.z);
}

}  // namespace assay::simt
