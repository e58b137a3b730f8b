#include "bench/roof.hpp"

#include <algorithm>
#include <memory>
#include <optional>

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

}  // namespace assay::bench
