#include "optimized/simt/finding.hpp"

#include <fmt/format.h>

namespace assay::simt {

const char* name_of(tool which) {
  switch (which) {
    case tool::memcheck:
      return "memcheck";
    case tool::racecheck:
      return "racecheck";
    case tool::initcheck:
      return "initcheck";
    case tool::synccheck:
      return "synccheck";
  }
  return "?";
}

std::string to_string(const finding& found) {
  const auto text = [](const coordinates& at) {
    return fmt::format("({},{},{})", at[0], at[1], at[2]);
  };
  std::string line = fmt::format("{}: {} [{}:{}", name_of(found.kind), found.message,
                                 found.where.file, found.where.line);
  if (found.other.line != 0) line += fmt::format(", {}:{}", found.other.file, found.other.line);
  line += fmt::format("] in {}, block {} thread {}", found.kernel, text(found.block),
                      text(found.thread));
  if (!found.run.empty()) line += ", " + found.run;
  if (found.count > 1) line += fmt::format(" ({} times)", found.count);
  return line;
}

}  // namespace assay::simt
