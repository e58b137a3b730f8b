#include "properties/guarded.hpp"

#include "properties/philox.hpp"

#include <fmt/format.h>

namespace assay::properties {
namespace {

// As large as the strides in which kernels run past an end: a warp of 16-byte accesses.
constexpr std::size_t k_canary = 512;

}  // namespace

guarded_memory::guarded_memory(simt::backend& place, std::size_t bytes, std::size_t alignment,
                               std::size_t slot, std::string name)
    : place_(&place), bytes_(bytes), name_(std::move(name)) {
  // Odd multiples of `alignment`: 1, 3, 5, ... times it have exactly that alignment.
  const std::size_t shift = alignment >= 256 ? 0 : alignment * (2 * (slot % (128 / alignment)) + 1);
  before_ = k_canary + shift;
  memory_ = {static_cast<std::byte*>(place.allocate(before_ + bytes + k_canary, name_)),
             release{&place}};
  data_ = memory_.get() + before_;
  const std::vector<std::byte> first = canary(0, before_), last = canary(1, k_canary);
  place.copy(memory_.get(), first.data(), first.size(), simt::direction::to_device);
  place.copy(data_ + bytes, last.data(), last.size(), simt::direction::to_device);
  place.name_extent(data_, bytes, name_);
}

void guarded_memory::upload(std::span<const std::byte> values) {
  if (!values.empty())
    place_->copy(data_, values.data(), values.size(), simt::direction::to_device);
}

std::vector<std::byte> guarded_memory::download() const {
  std::vector<std::byte> values(bytes_);
  if (bytes_) place_->copy(values.data(), data_, bytes_, simt::direction::to_host);
  return values;
}

void guarded_memory::poison(std::byte value) {
  if (!bytes_) return;
  place_->fill(data_, value, bytes_);
  place_->synchronize();
  place_->mark_uninitialised(data_, bytes_);
}

void guarded_memory::declare_unwritten(std::size_t first, std::size_t bytes) {
  if (bytes) place_->mark_uninitialised(data_ + first, bytes);
}

std::string guarded_memory::damage() const {
  for (std::size_t which = 0; which < 2; ++which) {
    const std::vector<std::byte> expected = canary(which, which == 0 ? before_ : k_canary);
    std::vector<std::byte> found(expected.size());
    const std::byte* from = which == 0 ? memory_.get() : data_ + bytes_;
    place_->copy(found.data(), from, found.size(), simt::direction::to_host);
    for (std::size_t i = 0; i < found.size(); ++i)
      if (found[i] != expected[i])
        return which == 0
                   ? fmt::format("'{}' was written {} bytes before its start", name_, before_ - i)
                   : fmt::format("'{}' was written {} bytes past its end", name_, i + 1);
  }
  return "";
}

std::vector<std::byte> guarded_memory::canary(std::size_t which, std::size_t count) const {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i)
    bytes[i] =
        std::byte(element_stream(0xCA9A27, std::uint32_t(which), i / 4).word() >> (8 * (i % 4)));
  return bytes;
}

}  // namespace assay::properties
