#include "optimized/simt/emulator/emulator.hpp"

#include <fmt/format.h>

#include <sys/mman.h>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

namespace assay::simt {
namespace {

constexpr std::size_t k_alignment = 256;  // cudaMalloc's
constexpr std::size_t k_map_from = std::size_t{64} << 20;
// Fresh memory holds arbitrary bytes on a GPU; here always these, which read as NaN, so that a
// kernel that reads them goes wrong in the same way every time. Not so what is mapped: that is
// zero, because to write it would need all of its pages; there only the sanitized build sees such a
// read.
constexpr int k_fresh = 0xff;

std::size_t rounded_up(std::size_t bytes) {
  return (bytes + k_alignment - 1) / k_alignment * k_alignment;
}

}  // namespace

emulator::~emulator() {
  for (const auto& [begin, block] : memory_) release(const_cast<std::byte*>(begin), block);
}

void emulator::release(void* begin, const block_of_memory& block) noexcept {
  if (block.mapped) {
    munmap(begin, block.bytes);
  } else {
    std::free(begin);
  }
}

void* emulator::allocate(std::size_t bytes, const std::string& name) {
  if (bytes == 0) return nullptr;
  refuse_while_recording("allocation of '" + name + "'");
  const bool mapped = bytes >= k_map_from;
  void* begin = nullptr;
  if (mapped) {
    begin = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (begin == MAP_FAILED) begin = nullptr;
  } else {
    begin = std::aligned_alloc(k_alignment, rounded_up(bytes));
    if (begin != nullptr) std::memset(begin, k_fresh, bytes);
  }
  if (begin == nullptr) {
    throw error(fmt::format("allocation of '{}' on the {}", name, name_),
                fmt::format("out of memory for {} bytes", bytes));
  }
  memory_.emplace(static_cast<const std::byte*>(begin), block_of_memory{bytes, mapped});
  on_allocate(begin, bytes, name);
  return begin;
}

void emulator::free(void* memory) noexcept {
  if (memory == nullptr) return;
  for (const auto& weak : lines_) {
    if (const auto line = weak.lock()) run_quietly(*line);
  }
  const auto found = memory_.find(static_cast<const std::byte*>(memory));
  if (found == memory_.end())
    std::terminate();  // not ours, or freed before: the caller's books are wrong
  on_free(memory);
  release(memory, found->second);
  memory_.erase(found);
}

std::unique_ptr<queue> emulator::make_queue() {
  std::erase_if(lines_, [](const auto& weak) { return weak.expired(); });
  auto line = std::make_shared<work_line>();
  lines_.push_back(line);
  return std::make_unique<deferred_queue>(*this, std::move(line));
}

std::unique_ptr<marker> emulator::make_marker() { return std::make_unique<deferred_marker>(*this); }

void emulator::refuse_while_recording(const std::string& what) const {
  if (is_recorded_) throw error(what + " on the " + name_, "a stream is being recorded");
}

// The newest queue first: whoever relies on the order in which queues were filled is found out.
void emulator::synchronize() {
  refuse_while_recording("wait for everything");
  for (std::size_t i = lines_.size(); i-- > 0;) {
    if (const auto line = lines_[i].lock()) line->run_all();
  }
  if (kept_ != nullptr) std::rethrow_exception(std::exchange(kept_, nullptr));
}

void emulator::run_quietly(work_line& line) noexcept {
  try {
    line.run_all();
  } catch (...) {
    if (kept_ == nullptr) kept_ = std::current_exception();
  }
}

void emulator::copy(void* to, const void* from, std::size_t bytes, direction way) {
  check_copy(to, from, bytes, way);
  synchronize();
  copy_now(to, from, bytes, way);
}

void emulator::fill(void* to, std::byte value, std::size_t bytes) {
  check_range(to, bytes, "fill");
  synchronize();
  fill_now(to, value, bytes);
}

void emulator::copy_now(void* to, const void* from, std::size_t bytes, direction way) {
  if (bytes == 0) return;
  std::memmove(to, from, bytes);
  if (way == direction::to_device) mark_initialised(to, bytes);
  if (way == direction::on_device) on_copy(to, from, bytes);
}

void emulator::fill_now(void* to, std::byte value, std::size_t bytes) {
  if (bytes == 0) return;
  std::memset(to, std::to_integer<int>(value), bytes);
  mark_initialised(to, bytes);
}

void emulator::check_range(const void* begin, std::size_t bytes, const char* operation) const {
  if (bytes == 0) return;
  const auto* first = static_cast<const std::byte*>(begin);
  auto next = memory_.upper_bound(first);
  const std::string where = std::string(operation) + " on the " + name_;
  if (next == memory_.begin()) {
    throw error(where, "the address is not in its memory", "memory allocated on this device");
  }
  const auto& [base, block] = *std::prev(next);
  if (first >= base + block.bytes) {
    throw error(where, "the address is not in its memory", "memory allocated on this device");
  }
  if (bytes > static_cast<std::size_t>(base + block.bytes - first)) {
    throw error(where,
                fmt::format("{} bytes at offset {} of an allocation of {}", bytes, first - base,
                            block.bytes),
                "a range inside the allocation");
  }
}

void emulator::check_copy(const void* to, const void* from, std::size_t bytes,
                          direction way) const {
  if (way != direction::to_host) check_range(to, bytes, "copy");
  if (way != direction::to_device) check_range(from, bytes, "copy");
}

}  // namespace assay::simt
