#include "optimized/simt/emulator/sanitizer/sanitizer.hpp"

#include "optimized/simt/emulator/emulator.hpp"

namespace assay::simt::inline ASSAY_BUILD {

sanitizer& the_sanitizer() {
  static auto* everything = new sanitizer;  // kernels may run until the very end
  return *everything;
}

void sanitizer::begin_launch(const void* kernel, const emulation& options) {
  renew_clock();
  findings.begin_launch(kernel, options);
  order.begin_launch();
  checks_races = options.tools.racecheck;
  launch_start = tick();
}

bool sanitizer::renew_clock() {
  if (clock_ < k_clock_limit) return false;
  clock_ = 1;
  launch_start = 1;
  allocations.forget_accesses();
  order.begin_launch();
  return true;
}

const extent* find_extent(const void* begin, std::size_t bytes) {
  return the_sanitizer().allocations.find(static_cast<const std::byte*>(begin), bytes);
}

}  // namespace assay::simt::inline ASSAY_BUILD

namespace assay::simt {
namespace {

// The emulator whose memory has shadows.
class sanitized_backend final : public emulator {
 public:
  using emulator::emulator;

  void name_extent(void* begin, std::size_t bytes, const std::string& name) override {
    if (bytes > 0) all().allocations.name(static_cast<std::byte*>(begin), bytes, name);
  }
  void mark_initialised(void* begin, std::size_t bytes) override { mark(begin, bytes, true); }
  void mark_uninitialised(void* begin, std::size_t bytes) override { mark(begin, bytes, false); }
  std::vector<finding> take_findings() override { return all().findings.take(); }
  counters take_counters() override { return std::exchange(all().totals, {}); }

 protected:
  void on_allocate(void* begin, std::size_t bytes, const std::string& name) override {
    all().allocations.add(static_cast<std::byte*>(begin), bytes, name);
  }
  void on_free(void* begin) noexcept override {
    all().allocations.remove(static_cast<std::byte*>(begin));
  }
  void on_copy(void* to, const void* from, std::size_t bytes) override {
    const auto [target, at] = place_of(static_cast<std::byte*>(to));
    const auto [source, source_at] = place_of(static_cast<const std::byte*>(from));
    target->cells.copy_initialised(at, source->cells, source_at, bytes);
  }

 private:
  static sanitizer& all() { return the_sanitizer(); }

  // The allocation that an address is in, and the offset there.
  static std::pair<allocation*, std::size_t> place_of(const std::byte* address) {
    allocation* memory = all().allocations.find_allocation(address);
    return {memory, static_cast<std::size_t>(address - memory->base)};
  }

  void mark(void* begin, std::size_t bytes, bool initialised) {
    if (bytes == 0) return;
    check_range(begin, bytes, initialised ? "mark_initialised" : "mark_uninitialised");
    const auto [memory, offset] = place_of(static_cast<std::byte*>(begin));
    if (initialised) {
      memory->cells.mark_initialised(offset, bytes);
    } else {
      memory->cells.mark_uninitialised(offset, bytes);
    }
  }
};

}  // namespace

backend& sanitized_emulator() {
  static sanitized_backend sanitized("sanitized emulator", build::sanitized);
  return sanitized;
}

}  // namespace assay::simt
