// Places in the source, numbered by file and line.
#pragma once

#include "optimized/simt/emulator/sanitizer/stamp.hpp"
#include "optimized/simt/finding.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

namespace assay::simt::inline ASSAY_BUILD {

class site_table {
 public:
  std::uint32_t number(const std::source_location& where) {
    const char* file = where.file_name();
    const std::uint32_t line = where.line();
    known& k = cache_[(reinterpret_cast<std::uintptr_t>(file) + line) % cache_.size()];
    if (k.file != file || k.line != line) k = {file, line, look_up(where)};
    return k.number;
  }
  source_line line(std::uint32_t number) const { return entries_[number].where; }
  const std::string& function(std::uint32_t number) const { return entries_[number].function; }

 private:
  struct known {
    const char* file = nullptr;
    std::uint32_t line = 0;
    std::uint32_t number = 0;
  };
  struct entry {
    source_line where;
    std::string function;
  };
  std::uint32_t look_up(const std::source_location& where);

  std::array<known, 1024> cache_;
  std::map<std::pair<std::string, std::uint32_t>, std::uint32_t> numbers_;
  std::vector<entry> entries_ = {{}};  // number 0 is nowhere
};

}  // namespace assay::simt::inline ASSAY_BUILD
