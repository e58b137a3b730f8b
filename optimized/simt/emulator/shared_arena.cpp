#include "optimized/simt/emulator/shared_arena.hpp"

#include "optimized/simt/emulator/scheduler.hpp"
#include "optimized/simt/emulator/text.hpp"
#include "optimized/simt/shared.cuh"

#include <algorithm>
#include <cstring>
#include <new>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

// What swizzled tiles need (the dynamic part), and what keeps bank 0 at the start of every array.
constexpr std::size_t k_arena_alignment = 1024;
constexpr std::size_t k_variable_alignment = 128;
// Room for what a block may use, and for the padding between variables.
constexpr std::size_t k_arena_bytes = 512 * 1024;
constexpr int k_fresh = 0xff;  // reads as NaN

std::size_t aligned(std::size_t bytes) {
  return (bytes + k_variable_alignment - 1) / k_variable_alignment * k_variable_alignment;
}

// The same place in the source. Most often it is the same string too, not only an equal one; two
// instances of a template share a line but not a function name.
bool same(const std::source_location& a, const std::source_location& b) {
  if (a.line() != b.line() || a.column() != b.column()) return false;
  if (a.function_name() == b.function_name() && a.file_name() == b.file_name()) return true;
  return std::strcmp(a.function_name(), b.function_name()) == 0 &&
         std::strcmp(a.file_name(), b.file_name()) == 0;
}

}  // namespace

void shared_arena::begin_launch(std::size_t dynamic_bytes) {
  if (memory_ == nullptr) {
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(k_arena_alignment, k_arena_bytes)));
    if (memory_ == nullptr) throw std::bad_alloc();
  }
  variables_.clear();
  dynamic_parts_.clear();
  static_bytes_ = 0;
  dynamic_bytes_ = dynamic_bytes;
  used_ = aligned(dynamic_bytes);
  dynamic_ = entry{};
  dynamic_.data = memory_.get();
  dynamic_.bytes = dynamic_bytes;
  dynamic_.observed.describe_dynamic(dynamic_.data, dynamic_bytes);
}

void shared_arena::begin_block() { std::memset(memory_.get(), k_fresh, used_); }

shared_arena::entry& shared_arena::add_variable(std::source_location where, std::size_t row_bytes,
                                                std::size_t rows) {
  const std::size_t bytes = row_bytes * rows;
  static_bytes_ += bytes;
  if (static_bytes_ > k_static_shared_bytes || static_bytes_ + dynamic_bytes_ > k_shared_bytes) {
    give_up([&] {
      return fmt::format(
          "too much shared memory: {} bytes of variables and {} dynamic; expected at most {} of "
          "variables and {} together",
          static_bytes_, dynamic_bytes_, k_static_shared_bytes, k_shared_bytes);
    });
  }
  auto added = std::make_unique<entry>();
  added->where = where;
  added->bytes = bytes;
  added->data = memory_.get() + used_;
  added->observed.describe_variable(added->data, row_bytes, rows, where);
  std::memset(added->data, k_fresh, bytes);
  used_ += aligned(bytes);
  variables_.push_back(std::move(added));
  return *variables_.back();
}

shared_storage shared_arena::variable(std::source_location where, std::size_t row_bytes,
                                      std::size_t rows) {
  const auto found = std::find_if(variables_.begin(), variables_.end(),
                                  [&](const auto& known) { return same(known->where, where); });
  entry& e = found != variables_.end() ? **found : add_variable(where, row_bytes, rows);
  if (e.bytes != row_bytes * rows || !e.observed.hold(this_thread().rank)) {
    give_up([&] {
      return fmt::format(
          "two __shared__ arrays are declared at {} (a macro?); expected one at each place "
          "in the source, by which it is found",
          text_of(where));
    });
  }
  return {e.data, &e.observed};
}

bool shared_arena::contains(const void* address) const {
  const auto* at = static_cast<const std::byte*>(address);
  return at >= memory_.get() && at < memory_.get() + k_arena_bytes;
}

void shared_arena::forget_accesses() {
#if defined(ASSAY_SANITIZED)
  for (const auto& variable : variables_) variable->observed.forget_accesses();
  dynamic_.observed.forget_accesses();
#endif
}

shared_storage shared_arena::dynamic(std::size_t offset, std::size_t bytes,
                                     std::source_location where) {
  if (offset > dynamic_bytes_ || bytes > dynamic_bytes_ - offset) {
    give_up([&] {
      return fmt::format("dynamic_shared at {} wants {} bytes at offset {}; the launch gives {}",
                         text_of(where), bytes, offset, dynamic_bytes_);
    });
  }
  std::byte* data = dynamic_.data + offset;
  for (const auto& part : dynamic_parts_) {
    if (part->data == data && part->bytes == bytes) return {data, &part->observed};
  }
  dynamic_parts_.push_back(std::make_unique<entry>());
  entry& added = *dynamic_parts_.back();
  added.data = data;
  added.bytes = bytes;
  added.observed.describe_part(dynamic_.observed, data, bytes);
  return {data, &added.observed};
}

shared_storage find_shared_variable(std::source_location where, std::size_t row_bytes,
                                    std::size_t rows) {
  return this_block().arena.variable(where, row_bytes, rows);
}

shared_storage find_dynamic_shared(std::size_t offset, std::size_t bytes,
                                   std::source_location where) {
  return this_block().arena.dynamic(offset, bytes, where);
}

}  // namespace assay::simt::inline ASSAY_BUILD
