#include "bench/roof.hpp"

#include "bench/timed_case.hpp"

#include <fmt/format.h>

#include <unistd.h>
#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

namespace assay::bench {
namespace {

constexpr std::size_t k_bytes = std::size_t(1) << 30;  // far beyond any cache
constexpr int k_repetitions = 20;

}  // namespace

double copy_bandwidth(simt::backend& place) {
  if (place.build() != simt::build::gpu) return 0;
  struct release {
    simt::backend* place;
    void operator()(void* memory) const { place->free(memory); }
  };
  const std::unique_ptr<void, release> from(place.allocate(k_bytes, "roof"), release{&place}),
      to(place.allocate(k_bytes, "roof"), release{&place});
  place.fill(from.get(), std::byte(0x3c), k_bytes);
  const auto stream = place.make_queue();
  const auto begin = place.make_marker(), end = place.make_marker();
  double best = 0;
  for (int i = 0; i < k_repetitions; ++i) {
    begin->record(*stream);
    stream->copy(to.get(), from.get(), k_bytes, simt::direction::on_device);
    end->record(*stream);
    stream->synchronize();
    const std::optional<double> seconds = end->seconds_since(*begin);
    if (seconds && *seconds > 0) best = std::max(best, 2.0 * double(k_bytes) / *seconds);
  }
  return best;
}

std::size_t host_rotation_bytes() {
  constexpr long k_least = 16L << 20, k_most = 64L << 20;
  const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);  // 0 or -1 where it is not known
  return 4 * std::size_t(std::clamp(cache, k_least, k_most));
}

double host_copy_bandwidth() {
  constexpr int k_host_repetitions = 5;
  const std::size_t bytes = host_rotation_bytes() / 2;
  const std::vector<std::byte> from(bytes, std::byte(0x3c));
  std::vector<std::byte> to(bytes);
  double best = 0;
  for (int i = 0; i < k_host_repetitions; ++i) {
    const double before = cpu_seconds();
    std::memcpy(to.data(), from.data(), bytes);
    const double seconds = cpu_seconds() - before;
    if (to[bytes - 1] != from[0]) return 0;  // so that the copy is made
    if (seconds > 0) best = std::max(best, 2.0 * double(bytes) / seconds);
  }
  return best;
}

std::string accounting_error(double bytes_a_second, double roof) {
  if (!(roof > 0) || bytes_a_second <= roof) return "";
  return fmt::format(
      "accounting error: {:.4g} bytes a second are more than the {:.4g} that the memory's own copy "
      "moves; the contract's cost, or the timing, is wrong",
      bytes_a_second, roof);
}

}  // namespace assay::bench
