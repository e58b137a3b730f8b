#include "optimized/simt/emulator/sanitizer/traffic.hpp"

#include <algorithm>
#include <bit>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

constexpr std::int64_t k_sector = 32;
constexpr unsigned k_bank_bytes = 4;
constexpr unsigned k_wavefront = 128;  // bytes that all 32 banks deliver at once

bool are_neighbours(const warp_addresses& a) {
  const std::uint32_t from_zero = a.lanes >> std::countr_zero(a.lanes);
  return a.each == nullptr && a.ragged == nullptr &&
         a.stride == static_cast<std::int64_t>(a.bytes) && (from_zero & (from_zero + 1)) == 0;
}

// Neighbouring lanes touch neighbouring bytes: no sector between the first and the last is left
// out.
std::uint64_t sectors_of_neighbours(const warp_addresses& a) {
  const auto first_lane = static_cast<unsigned>(std::countr_zero(a.lanes));
  const auto last_lane = 31u - static_cast<unsigned>(std::countl_zero(a.lanes));
  const std::int64_t last_byte = a.of(last_lane) + a.bytes - 1;
  return static_cast<std::uint64_t>(last_byte / k_sector - a.of(first_lane) / k_sector + 1);
}

std::uint64_t sectors(const warp_addresses& a) {
  if (are_neighbours(a)) return sectors_of_neighbours(a);
  std::array<std::int64_t, 64> touched;  // an access is in one sector, or, misaligned, in two
  std::size_t count = 0;
  for (std::uint32_t lanes = a.lanes; lanes != 0; lanes &= lanes - 1) {
    const auto lane = static_cast<unsigned>(std::countr_zero(lanes));
    const std::int64_t address = a.of(lane);
    for (std::int64_t s = address / k_sector; s <= (address + a.bytes_of(lane) - 1) / k_sector;
         ++s) {
      if (std::find(touched.begin(), touched.begin() + count, s) == touched.begin() + count) {
        touched[count++] = s;
      }
    }
  }
  return count;
}

std::uint64_t bytes(const warp_addresses& a) {
  if (a.ragged == nullptr) {
    return std::uint64_t{a.bytes} * static_cast<unsigned>(std::popcount(a.lanes));
  }
  std::uint64_t sum = 0;
  for (std::uint32_t lanes = a.lanes; lanes != 0; lanes &= lanes - 1) {
    sum += a.bytes_of(static_cast<unsigned>(std::countr_zero(lanes)));
  }
  return sum;
}

struct passes {
  unsigned taken = 0;
  unsigned needed = 0;
};

// One part of a warp whose accesses the hardware joins. Lanes that read the same words share;
// different words of the same bank take turns.
unsigned wavefronts_of_part(const warp_addresses& a, std::uint32_t lanes) {
  // Aligned accesses of 4, 8 or 16 bytes each fill 1, 2 or 4 banks; two that share a bank share
  // all.
  const auto unit = static_cast<std::int64_t>(std::max(a.bytes, k_bank_bytes));
  const std::int64_t groups = k_wavefront / unit;
  std::array<std::uint8_t, 32> count{};
  std::array<std::array<std::int64_t, 32>, 32> words;
  unsigned most = 0;
  for (; lanes != 0; lanes &= lanes - 1) {
    const std::int64_t word = a.of(static_cast<unsigned>(std::countr_zero(lanes))) / unit;
    const auto group = static_cast<std::size_t>(word % groups);
    auto* const known = words[group].data();
    if (std::find(known, known + count[group], word) != known + count[group]) continue;
    known[count[group]++] = word;
    most = std::max<unsigned>(most, count[group]);
  }
  return most;
}

// The warp is served at once, or, for 8 and 16 bytes a lane, by halves or quarters.
passes wavefronts(const warp_addresses& a) {
  const unsigned parts = std::max(1u, a.bytes / k_bank_bytes);
  const unsigned lanes_of_part = 32 / parts;
  const std::uint64_t part_mask = (std::uint64_t{1} << lanes_of_part) - 1;
  const bool has_no_conflict = a.each == nullptr && (a.stride == 0 || are_neighbours(a));
  passes total;
  for (unsigned part = 0; part < parts; ++part) {
    const auto lanes = std::uint32_t(a.lanes & part_mask << part * lanes_of_part);
    if (lanes == 0) continue;
    ++total.needed;
    total.taken += has_no_conflict ? 1 : wavefronts_of_part(a, lanes);
  }
  return total;
}

}  // namespace

void count_instruction(counters& total, access_class what, const warp_addresses& where) {
  switch (what) {
    case access_class::global_load:
      ++total.global_loads;
      total.global_load_bytes += bytes(where);
      total.global_load_sectors += sectors(where);
      return;
    case access_class::global_store:
      ++total.global_stores;
      total.global_store_bytes += bytes(where);
      total.global_store_sectors += sectors(where);
      return;
    case access_class::global_atomic:
      ++total.global_atomics;
      total.global_atomic_bytes += bytes(where);
      total.global_atomic_sectors += sectors(where);
      return;
    case access_class::shared_atomic:
      ++total.shared_atomics;
      return;
    case access_class::shared_access: {
      const passes p = wavefronts(where);
      ++total.shared_accesses;
      total.shared_wavefronts += p.taken;
      total.shared_bank_conflicts += p.taken - p.needed;
      return;
    }
  }
}

}  // namespace assay::simt::inline ASSAY_BUILD
