#include "properties/agreement.hpp"

#include "properties/values.hpp"

#include <fmt/format.h>

#include <cmath>

namespace assay::properties {

std::string disagreement(dtype type, const tensor_bytes& cuda, const tensor_bytes& emulator) {
  if (cuda.size() != emulator.size())
    return fmt::format("{} bytes on cuda, {} on the emulator", cuda.size(), emulator.size());
  const auto count = std::int64_t(cuda.size() / size_of(type));
  std::int64_t differing = 0, first = -1;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint64_t a = load_bits(type, cuda.data(), i),
                        b = load_bits(type, emulator.data(), i);
    if (a == b || (std::isnan(decode(type, a)) && std::isnan(decode(type, b)))) continue;
    if (differing++ == 0) first = i;
  }
  if (differing == 0) return {};
  return fmt::format(
      "{} of {} elements have other bits on the emulator, the first at {}: {:a} on cuda, {:a} "
      "there",
      differing, count, first, decode(type, load_bits(type, cuda.data(), first)),
      decode(type, load_bits(type, emulator.data(), first)));
}

}  // namespace assay::properties
