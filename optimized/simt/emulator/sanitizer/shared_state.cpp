// What is kept about shared arrays.
#include "optimized/simt/emulator/sanitizer/observer.hpp"
#include "optimized/simt/emulator/sanitizer/sanitizer.hpp"
#include "optimized/simt/emulator/text.hpp"

namespace assay::simt::inline ASSAY_BUILD {

void observe::shared_state::describe_variable(std::byte* data, std::size_t row_bytes,
                                              std::size_t rows, std::source_location where) {
  sanitizer& all = the_sanitizer();
  memory_ = std::make_unique<allocation>(space::shared, data, row_bytes * rows,
                                         "the shared array of " + text_of(where),
                                         all.allocations.next_number(), all.sets);
  for (std::size_t i = 0; i < rows; ++i) {
    std::byte* row = data + i * row_bytes;
    rows_.push_back({row, row + row_bytes, memory_.get()});
  }
  outside_ = {data, data, memory_.get()};
}

void observe::shared_state::describe_dynamic(std::byte* data, std::size_t bytes) {
  sanitizer& all = the_sanitizer();
  memory_ = std::make_unique<allocation>(space::shared, data, bytes, "dynamic shared memory",
                                         all.allocations.next_number(), all.sets);
}

void observe::shared_state::describe_part(const shared_state& whole, std::byte* data,
                                          std::size_t bytes) {
  rows_.push_back({data, data + bytes, whole.memory_.get()});
}

bool observe::shared_state::hold(unsigned rank) {
  if (holders_[rank]) return false;
  return holders_[rank] = true;
}

void observe::shared_state::let_go(unsigned rank) { holders_[rank] = false; }

void observe::shared_state::forget_accesses() {
  if (memory_ != nullptr) memory_->cells.forget_accesses();
}

}  // namespace assay::simt::inline ASSAY_BUILD
