#include "optimized/simt/async_copy.cuh"

#include "optimized/simt/emulator/scheduler.hpp"
#include "optimized/simt/emulator/text.hpp"

#include <cstring>

namespace assay::simt::inline ASSAY_BUILD {
namespace {

void land(const async_copy& copy) {
  auto* to = static_cast<std::byte*>(copy.to);
  std::memcpy(to, copy.from, copy.valid);
  std::memset(to + copy.valid, 0, static_cast<std::size_t>(copy.bytes) - copy.valid);
}

// Lands the copies of the thread's groups before FIRST_OPEN.
void land_groups_before(std::uint32_t first_open) {
  thread& self = this_thread();
  auto& pending = self.copies.pending;
  std::size_t landed = 0;
  for (; landed < pending.size() && pending[landed].group < first_open; ++landed) {
    observe::lands(self, pending[landed]);
    land(pending[landed]);
  }
  pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(landed));
}

}  // namespace

void detail::start_async_copy(shared<std::byte> to, global<const std::byte> from, int bytes,
                              int valid, std::source_location where) {
  if (valid < 0 || valid > bytes) {
    give_up([&] {
      return fmt::format("cp.async at {} of {} of {} bytes", text_of(where), valid, bytes);
    });
  }
  thread& self = this_thread();
  async_copy copy{.bytes = static_cast<std::uint8_t>(bytes),
                  .valid = static_cast<std::uint8_t>(valid),
                  .group = self.copies.open_group};
  if (observe::starts(self, copy, to, from, where)) self.copies.pending.push_back(copy);
}

void cp_async_commit() { ++this_thread().copies.open_group; }

void detail::wait_for_async_groups(int newest) {
  const std::uint32_t open = this_thread().copies.open_group;
  const auto may_stay = static_cast<std::uint32_t>(newest);
  land_groups_before(open > may_stay ? open - may_stay : 0);
}

void cp_async_wait_all() {
  cp_async_commit();
  land_groups_before(this_thread().copies.open_group);
}

}  // namespace assay::simt::inline ASSAY_BUILD
