#include "optimized/simt/emulator/sanitizer/allocation.hpp"

#include "optimized/simt/error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

constexpr std::size_t k_remembered = 4096;  // freed allocations

}  // namespace

void allocation_table::add(std::byte* begin, std::size_t bytes, const std::string& name) {
  entry& e = entries_[begin];
  e.memory = std::make_unique<allocation>(space::global, begin, bytes, name, next_number(), sets_);
}

void allocation_table::remove(std::byte* begin) {
  const auto found = entries_.find(begin);
  if (found == entries_.end()) return;
  for (part& p : found->second.parts) p.bounds = {};
  freed_.push_back(std::move(found->second.parts));
  if (freed_.size() > k_remembered) freed_.pop_front();
  entries_.erase(found);
}

allocation_table::entry* allocation_table::find_entry(const std::byte* begin) {
  const auto after = entries_.upper_bound(begin);
  if (after == entries_.begin()) return nullptr;
  entry& e = std::prev(after)->second;
  return begin <= e.memory->base + e.memory->bytes ? &e : nullptr;
}

allocation* allocation_table::find_allocation(const std::byte* begin) {
  entry* e = find_entry(begin);
  return e == nullptr ? nullptr : e->memory.get();
}

allocation_table::part& allocation_table::part_of(entry& e, std::byte* begin, std::size_t bytes) {
  const auto found = std::find_if(e.parts.begin(), e.parts.end(), [&](const part& p) {
    return p.bounds.begin == begin && p.bounds.end == begin + bytes;
  });
  if (found != e.parts.end()) return *found;
  return e.parts.emplace_back(part{{begin, begin + bytes, e.memory.get()}, e.memory->name});
}

const extent* allocation_table::find(const std::byte* begin, std::size_t bytes) {
  if (begin == nullptr && bytes == 0) return &k_no_extent;
  entry* e = find_entry(begin);
  if (e == nullptr) {
    throw error("bind", "the address is not in the memory of the sanitized emulator",
                "memory allocated there");
  }
  const auto room = static_cast<std::size_t>(e->memory->base + e->memory->bytes - begin);
  if (bytes > room) {
    throw error(fmt::format("bind of '{}'", e->memory->name),
                fmt::format("{} bytes at offset {} of an allocation of {}", bytes,
                            begin - e->memory->base, e->memory->bytes));
  }
  return &part_of(*e, const_cast<std::byte*>(begin), bytes).bounds;
}

void allocation_table::name(std::byte* begin, std::size_t bytes, const std::string& name) {
  find(begin, bytes);  // which throws if it must
  if (entry* e = find_entry(begin)) part_of(*e, begin, bytes).name = name;
}

bool allocation_table::is_freed(const extent* bounds) const {
  for (const auto& parts : freed_) {
    for (const part& p : parts) {
      if (&p.bounds == bounds) return true;
    }
  }
  return false;
}

std::string allocation_table::name_of(const extent* bounds) const {
  const auto name_in = [&](const std::deque<part>& parts) -> const std::string* {
    for (const part& p : parts) {
      if (&p.bounds == bounds) return &p.name;
    }
    return nullptr;
  };
  for (const auto& [begin, e] : entries_) {
    if (const auto* name = name_in(e.parts)) return *name;
  }
  for (const auto& parts : freed_) {
    if (const auto* name = name_in(parts)) return *name;
  }
  return bounds->owner != nullptr ? bounds->owner->name : "no memory";
}

void allocation_table::forget_accesses() {
  for (auto& [begin, e] : entries_) e.memory->cells.forget_accesses();
}

}  // namespace assay::simt::inline ASSAY_BUILD
