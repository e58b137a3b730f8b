#include "optimized/simt/emulator/sanitizer/sites.hpp"

namespace assay::simt::inline ASSAY_BUILD {

std::uint32_t site_table::look_up(const std::source_location& where) {
  const auto [found, is_new] =
      numbers_.try_emplace({where.file_name(), where.line()}, entries_.size());
  // A program with more than a million lines that touch memory: the rest are nowhere.
  if (found->second > k_site_mask) return 0;
  if (is_new) entries_.push_back({{where.file_name(), where.line()}, where.function_name()});
  return found->second;
}

}  // namespace assay::simt::inline ASSAY_BUILD
